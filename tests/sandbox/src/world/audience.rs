//! Who follows an account: shares by age and gender, which the account keeps.

use super::account::Account;
use super::noise::{draw, unit};

/// Ages as Meta writes them; others write the same bounds differently.
pub const AGES: [&str; 7] = ["13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"];

/// Women, men, and those who say neither.
pub const GENDERS: usize = 3;

/// Shares of an account's audience.
#[derive(Clone, Debug, PartialEq)]
pub struct Audience {
    /// By age as in [`AGES`], then women, men, others. All together are 1.
    pub shares: [[f64; GENDERS]; AGES.len()],
}

impl Audience {
    /// One gender's share of all ages: 0 women, 1 men, 2 others.
    pub fn gender(&self, gender: usize) -> f64 {
        self.shares.iter().map(|age| age[gender]).sum()
    }

    /// One age's share of all genders.
    pub fn age(&self, age: usize) -> f64 {
        self.shares[age].iter().sum()
    }
}

impl Account {
    /// Who follows it. Pure: the same account always has the same.
    pub fn audience(&self) -> Audience {
        let women = 0.2 + 0.6 * unit(draw(self.seed, 40));
        let others = 0.03 * unit(draw(self.seed, 41));
        let genders = [women * (1.0 - others), (1.0 - women) * (1.0 - others), others];
        // A hill over the ages, its top between 20 and 45.
        let top = 1.0 + 2.4 * unit(draw(self.seed, 42));
        let weights: [f64; AGES.len()] = std::array::from_fn(|age| (-((age as f64 - top) / 1.3).powi(2)).exp() + 0.01);
        let sum: f64 = weights.iter().sum();
        Audience { shares: weights.map(|weight| genders.map(|share| share * weight / sum)) }
    }
}
