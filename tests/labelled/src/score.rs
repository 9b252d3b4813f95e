//! What a detector scores on labelled histories.
//!
//! **Matching.** A detection belongs to a move when it has the move's direction and is in its time: from its start until its
//! end and an allowance (two days; seven for what takes weeks; in a gap, until the second sync after the end). The first
//! detection of a wanted move is its hit. Another one for the same move is a duplicate. A slow drain is one move: any one
//! "fell" from its first day until a week after its last is its hit, and each further one is a duplicate.
//!
//! **What counts.** Recall is hits ÷ wanted moves. Precision is hits ÷ (hits + duplicates + false alarms); a false alarm is
//! a detection that belongs to no wanted and no debatable move. The first one of a debatable move counts neither way. So
//! does one at a fault that the detector itself resolved by the second sync with the right count: it is counted apart, as
//! *taken back*, because at the one sync no detector can know.
//!
//! **Quiet accounts** are those without a wanted and a debatable move. All their alerts count per account and year, those
//! taken back, too.
//!
//! **Time to detection** is from the start of the move to its hit, apart for moves of hours and for moves of weeks.

use crate::history::{DAY, Direction, History, Kind, Move, Verdict};

/// An alert of a detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Seconds since the history's start.
    pub at: i64,
    pub direction: Direction,
    /// When the detector took it back by itself, because the move reverted.
    pub resolved_at: Option<i64>,
}

/// Why a detection is no hit, to look at what a detector does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Hit,
    Duplicate,
    Debatable,
    TakenBack,
    /// With what happens at that time, if anything does.
    False(Option<Kind>),
}

/// Hits of some wanted moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    pub hits: usize,
    pub wanted: usize,
}

impl Hits {
    /// From 0 to 1; 1 when nothing is wanted.
    pub fn recall(self) -> f64 {
        if self.wanted == 0 { 1.0 } else { self.hits as f64 / self.wanted as f64 }
    }
}

/// Counts, history by history; `figures` makes shares of them.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// In the order of `Kind::ALL`.
    kinds: [Hits; Kind::ALL.len()],
    duplicates: usize,
    debatable: usize,
    taken_back: usize,
    false_alarms: usize,
    /// In the order of `Kind::ALL`, and at last those where nothing happens.
    false_by_kind: [usize; Kind::ALL.len() + 1],
    quiet_alerts: usize,
    quiet_years: f64,
    quick_seconds: Vec<i64>,
    slow_seconds: Vec<i64>,
}

/// What is reported of a detector.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub recall: f64,
    pub precision: f64,
    pub wanted: usize,
    pub hits: usize,
    pub duplicates: usize,
    pub false_alarms: usize,
    /// First detections of debatable moves, which count neither way.
    pub debatable: usize,
    /// Alerts at faults that were resolved at once, which count neither way.
    pub taken_back: usize,
    /// Kinds with a wanted move, in the order of `Kind::ALL`.
    pub per_kind: Vec<(Kind, Hits)>,
    /// What was happening at false alarms; `None` is nothing at all.
    pub false_per_kind: Vec<(Option<Kind>, usize)>,
    pub quiet_alerts_per_year: f64,
    /// Median and 95th percentile of seconds from the start to the hit; `None` without a hit.
    pub quick: Option<(i64, i64)>,
    pub slow: Option<(i64, i64)>,
}

/// Scores the detections of each history, in the order of the histories.
pub fn score(histories: &[History], detections: &[Vec<Detection>]) -> Figures {
    let mut score = Score::default();
    for (history, found) in histories.iter().zip(detections) {
        score.add(history, found);
    }
    score.figures()
}

impl Score {
    /// Judges the detections of one history, which are in any order.
    pub fn add(&mut self, history: &History, detections: &[Detection]) {
        if history.is_quiet() {
            self.quiet_alerts += detections.len();
            self.quiet_years += history.years();
        }
        for it in history.moves.iter().filter(|it| it.is_wanted()) {
            self.kinds[place(it.kind)].wanted += 1;
        }
        for (detection, outcome, of) in outcomes(history, detections) {
            match outcome {
                Outcome::Hit => self.hit(detection, of),
                Outcome::Duplicate => self.duplicates += 1,
                Outcome::Debatable => self.debatable += 1,
                Outcome::TakenBack => self.taken_back += 1,
                Outcome::False(kind) => {
                    self.false_alarms += 1;
                    self.false_by_kind[kind.map_or(Kind::ALL.len(), place)] += 1;
                }
            }
        }
    }

    fn hit(&mut self, detection: Detection, of: Option<&Move>) {
        let Some(it) = of else { return };
        self.kinds[place(it.kind)].hits += 1;
        let seconds = if it.kind.is_slow() { &mut self.slow_seconds } else { &mut self.quick_seconds };
        seconds.push(detection.at - it.starts_at);
    }

    pub fn figures(&self) -> Figures {
        let all = self
            .kinds
            .iter()
            .fold(Hits::default(), |all, kind| Hits { hits: all.hits + kind.hits, wanted: all.wanted + kind.wanted });
        let counted = all.hits + self.duplicates + self.false_alarms;
        let kinds = Kind::ALL.into_iter().zip(self.kinds);
        let causes = Kind::ALL.into_iter().map(Some).chain([None]).zip(self.false_by_kind);
        Figures {
            recall: all.recall(),
            precision: if counted == 0 { 1.0 } else { all.hits as f64 / counted as f64 },
            wanted: all.wanted,
            hits: all.hits,
            duplicates: self.duplicates,
            false_alarms: self.false_alarms,
            debatable: self.debatable,
            taken_back: self.taken_back,
            per_kind: kinds.filter(|(_, hits)| hits.wanted > 0).collect(),
            false_per_kind: causes.filter(|(_, count)| *count > 0).collect(),
            quiet_alerts_per_year: self.quiet_alerts as f64 / self.quiet_years.max(f64::MIN_POSITIVE),
            quick: median_and_p95(&self.quick_seconds),
            slow: median_and_p95(&self.slow_seconds),
        }
    }
}

/// What each detection is, in the order of time, with the move that it belongs to.
pub fn outcomes<'a>(history: &'a History, detections: &[Detection]) -> Vec<(Detection, Outcome, Option<&'a Move>)> {
    let mut detections = detections.to_vec();
    detections.sort_by_key(|detection| detection.at);
    let mut seen = vec![false; history.moves.len()];
    let mut judge = |detection: Detection| {
        let belongs = |place: &usize| belongs(history, &history.moves[*place], detection);
        let of: Vec<usize> = (0..history.moves.len()).filter(belongs).collect();
        let with = |verdict: Verdict, is_seen: bool, seen: &[bool]| {
            of.iter().copied().find(|place| history.moves[*place].verdict == verdict && seen[*place] == is_seen)
        };
        if let Some(place) = with(Verdict::Wanted, false, &seen) {
            seen[place] = true;
            return (detection, Outcome::Hit, history.moves.get(place));
        }
        if let Some(place) = with(Verdict::Debatable, false, &seen) {
            seen[place] = true;
            return (detection, Outcome::Debatable, history.moves.get(place));
        }
        let again = with(Verdict::Wanted, true, &seen).or_else(|| with(Verdict::Debatable, true, &seen));
        if let Some(place) = again {
            return (detection, Outcome::Duplicate, history.moves.get(place));
        }
        let fault = of.iter().map(|place| &history.moves[*place]).find(|it| it.kind == Kind::Fault);
        if let Some(fault) = fault.filter(|it| detection.resolved_at.is_some_and(|at| at <= second_sync(history, it))) {
            return (detection, Outcome::TakenBack, Some(fault));
        }
        (detection, Outcome::False(happening(history, detection.at)), None)
    };
    detections.into_iter().map(&mut judge).collect()
}

fn belongs(history: &History, it: &Move, detection: Detection) -> bool {
    let allowance = if it.kind.is_slow() { 7 * DAY } else { 2 * DAY };
    let until = (it.ends_at + allowance).max(second_sync(history, it));
    // A fault is at one sync, whose neighbours are right.
    let until = if it.kind == Kind::Fault { it.ends_at - 1 } else { until };
    detection.direction == it.direction && (it.starts_at..=until).contains(&detection.at)
}

/// The second sync that is at or after a move's end, or the last one.
fn second_sync(history: &History, it: &Move) -> i64 {
    let first = history.points.partition_point(|point| point.at < it.ends_at);
    history.points.get(first + 1).or(history.points.last()).map_or(it.ends_at, |point| point.at)
}

/// The shortest of what happens at some time, in any direction.
fn happening(history: &History, at: i64) -> Option<Kind> {
    let until = |it: &Move| it.ends_at + 2 * DAY;
    let at_that_time = history.moves.iter().filter(|it| (it.starts_at..=until(it)).contains(&at));
    at_that_time.min_by_key(|it| it.ends_at - it.starts_at).map(|it| it.kind)
}

fn place(kind: Kind) -> usize {
    kind as usize
}

fn median_and_p95(seconds: &[i64]) -> Option<(i64, i64)> {
    let mut sorted = seconds.to_vec();
    sorted.sort_unstable();
    let at = |hundredths: usize| sorted.get((sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1)));
    Some((*at(50)?, *at(95)?))
}

#[cfg(test)]
mod tests;
