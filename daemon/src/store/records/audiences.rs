//! The audience of a connection.

use postcard::{from_bytes, to_extend};
use roster_protocol::metric::Ratio;
use roster_protocol::reported::{Audience, Country};
use roster_protocol::time::Date;
use serde::{Deserialize, Serialize};

use super::codes::{AGES, AUDIENCES_OF, GENDERS, code, variant};
use super::{Payload, Record};
use crate::model::AudienceOn;
use crate::store::tables::{Records, month_of, months_key, split_months_key};

#[derive(Serialize, Deserialize)]
struct AudienceRecord {
    date: i32,
    of: u8,
    /// Codes of genders with their shares, and so on.
    genders: Vec<(u8, i64)>,
    ages: Vec<(u8, i64)>,
    countries: Vec<([u8; 2], i64)>,
}

impl Record for AudienceOn {
    const TABLE: Records = Records::Audiences;

    fn key(&self) -> Vec<u8> {
        months_key(self.connection, month_of(self.date).0).to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let Audience { of, genders, ages, countries } = &self.audience;
        to_extend(
            &AudienceRecord {
                date: self.date.0,
                of: code(AUDIENCES_OF, *of),
                genders: genders.iter().map(|(gender, share)| (code(GENDERS, *gender), share.0)).collect(),
                ages: ages.iter().map(|(range, share)| (code(AGES, *range), share.0)).collect(),
                countries: countries.iter().map(|(country, share)| (country.bytes(), share.0)).collect(),
            },
            out,
        )
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (connection, _) = split_months_key(key)?;
        let record: AudienceRecord = from_bytes(payload).ok()?;
        let gender = |(gender, share): (u8, i64)| Some((variant(GENDERS, gender)?, Ratio(share)));
        let age = |(range, share): (u8, i64)| Some((variant(AGES, range)?, Ratio(share)));
        let country = |(letters, share): ([u8; 2], i64)| {
            let country: Country = std::str::from_utf8(&letters).ok()?.parse().ok()?;
            Some((country, Ratio(share)))
        };
        let audience = Audience {
            of: variant(AUDIENCES_OF, record.of)?,
            genders: record.genders.into_iter().map(gender).collect::<Option<_>>()?,
            ages: record.ages.into_iter().map(age).collect::<Option<_>>()?,
            countries: record.countries.into_iter().map(country).collect::<Option<_>>()?,
        };
        Some(AudienceOn { connection, date: Date(record.date), audience })
    }
}
