//! Reads paged lists to the end, or to a limit.

use roster_protocol::RosterError;
use roster_protocol::service::{PAGE_ROWS, Page, PageMark};

use crate::output::Output;

/// How many of the newest are returned by default: without a limit and without a time.
const NEWEST: u64 = 1000;

/// How many rows are wanted: as many as given, all since a given time, or else the newest.
pub fn wanted(limit: Option<u64>, has_since: bool) -> u64 {
    limit.unwrap_or(if has_since { u64::MAX } else { NEWEST })
}

/// Rows that were read, and whether older ones were left.
pub struct Rows<Row> {
    pub rows: Vec<Row>,
    pub cut: bool,
}

impl<Row> Rows<Row> {
    /// Reports that rows were left out, unless a limit was given.
    pub fn report_cut(&self, limit: Option<u64>, output: &Output) {
        if self.cut && limit.is_none() {
            output.remark(&format!("the newest {} are shown; --since or --limit give more", self.rows.len()));
        }
    }
}

/// Reads page after page until `wanted` rows are there or none is left.
///
/// `request` takes the mark to begin at and how many rows are still wanted, at most a page.
///
/// # Errors
/// The first that `request` returns.
pub async fn read<Row>(
    wanted: u64,
    mut request: impl AsyncFnMut(Option<PageMark>, u64) -> Result<Page<Row>, RosterError>,
) -> Result<Rows<Row>, RosterError> {
    let mut rows = Vec::new();
    let mut mark = None;
    loop {
        let missing = wanted.saturating_sub(rows.len() as u64).min(PAGE_ROWS);
        let page = request(mark, missing).await?;
        rows.extend(page.rows);
        mark = page.next;
        let enough = rows.len() as u64 >= wanted;
        if mark.is_none() || enough {
            let cut = mark.is_some() || rows.len() as u64 > wanted;
            rows.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
            return Ok(Rows { rows, cut });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of `size` numbers in pages of three.
    async fn numbers(wanted: u64, size: u8) -> (Vec<u8>, bool) {
        let read = read(wanted, async |mark: Option<PageMark>, _| {
            let from = mark.map_or(0, |mark| mark.0[0]);
            let to = (from + 3).min(size);
            Ok(Page { rows: (from..to).collect(), next: (to < size).then(|| PageMark(vec![to])) })
        });
        let rows = read.await.expect("no page fails");
        (rows.rows, rows.cut)
    }

    #[tokio::test]
    async fn pages_are_read_until_there_is_enough() {
        assert_eq!(numbers(u64::MAX, 7).await, ((0..7).collect(), false));
        assert_eq!(numbers(4, 7).await, ((0..4).collect(), true));
        assert_eq!(numbers(7, 7).await, ((0..7).collect(), false));
        assert_eq!(numbers(6, 7).await, ((0..6).collect(), true));
        assert_eq!(numbers(9, 0).await, (vec![], false));
    }

    #[test]
    fn a_given_time_means_all_since_then() {
        assert_eq!(wanted(None, false), NEWEST);
        assert_eq!(wanted(None, true), u64::MAX);
        assert_eq!(wanted(Some(5), true), 5);
    }
}
