//! Facebook's Pages: fields, posts, and insights, living and withdrawn ones.
//!
//! Oddities kept: the API reports neither whom a Page follows, nor how many posts it has, nor its audience's age and
//! gender; a post without shares has no `shares` at all; a list with summaries is refused whole where comments may
//! not be read; insights without their permission, or of a Page with fewer than 100 likes, are an empty
//! list with 200; a day's value carries the moment at which the day ended in California.

mod insights;
mod page;
mod posts;

pub use insights::of_post as post_insights;
pub use page::{edge as page_edge, field as page_field};
pub use posts::field as post_field;

/// What the second half of a post's id begins with; 16 digits follow.
pub const POST_PREFIX: &str = "12";
