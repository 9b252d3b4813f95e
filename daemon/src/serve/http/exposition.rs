//! Prometheus' text exposition, built value by value.

use prometheus::core::Collector;
use prometheus::proto::{Metric, MetricFamily};
use prometheus::{CounterVec, GaugeVec, Opts, TextEncoder};

/// What a value is: one that rises and falls, or one that only grows until a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    Counter,
}

/// The exposition: a page of values.
#[derive(Default)]
pub struct Exposition(Vec<MetricFamily>);

impl Exposition {
    /// Adds a gauge without labels.
    pub fn one(&mut self, name: &str, help: &str, value: f64) {
        self.add(Kind::Gauge, name, help, [], [([], value)]);
    }

    /// Adds a gauge with a value for each row, by the rows' labels.
    pub fn rows<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        rows: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) {
        self.add(Kind::Gauge, name, help, labels, rows);
    }

    /// Adds values of either kind, one for each row.
    pub fn add<'a, const N: usize>(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        labels: [&str; N],
        rows: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) {
        const VALID: &str = "the names on the page are valid";
        let rows = rows.into_iter();
        let families = match kind {
            Kind::Gauge => {
                let gauges = GaugeVec::new(Opts::new(name, help), &labels).expect(VALID);
                rows.for_each(|(labels, value)| gauges.with_label_values(&labels).set(value));
                gauges.collect()
            }
            Kind::Counter => {
                let counters = CounterVec::new(Opts::new(name, help), &labels).expect(VALID);
                rows.for_each(|(labels, value)| counters.with_label_values(&labels).inc_by(value));
                counters.collect()
            }
        };
        self.put(families);
    }

    /// Adds values that were counted elsewhere.
    pub fn put(&mut self, mut families: Vec<MetricFamily>) {
        // A family without a value says nothing, and cannot be encoded.
        families.retain(|family| !family.get_metric().is_empty());
        for family in &mut families {
            family.mut_metric().sort_by(|one, other| labels(one).cmp(labels(other)));
        }
        self.0.append(&mut families);
    }

    /// The text; `None` when it cannot be encoded.
    pub fn text(&self) -> Option<String> {
        TextEncoder::new().encode_to_string(&self.0).ok()
    }
}

fn labels(metric: &Metric) -> impl Iterator<Item = &str> {
    metric.get_label().iter().map(|label| label.value())
}
