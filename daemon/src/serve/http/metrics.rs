//! Prometheus text. Labels are platforms, outcomes and states only: no handle, no name.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics::{Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;
use roster_protocol::status::{Coverage, PlatformState, Status};

use crate::app::App;
use crate::browse::overview;

/// Everything, as it is at the moment of asking.
pub async fn scrape(State(app): State<Arc<App>>) -> impl IntoResponse {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let (status, writable) = (overview::status(&app).await, app.degraded().is_none());
    metrics::with_local_recorder(&recorder, || gather(&status, writable));
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render())
}

fn gather(status: &Status, writable: bool) {
    describe_gauge!("roster_uptime_seconds", Unit::Seconds, "Time since the start");
    gauge!("roster_uptime_seconds").set(status.uptime_s as f64);
    describe_gauge!("roster_influencers", "Influencers in the roster");
    gauge!("roster_influencers").set(status.influencers as f64);
    describe_gauge!("roster_connections", "Connections by status");
    let counts = status.connections;
    for (name, count) in [
        ("fresh", counts.fresh),
        ("stale", counts.stale),
        ("never", counts.never),
        ("error", counts.error),
        ("reauthorize", counts.reauthorize),
        ("paused", counts.paused),
    ] {
        gauge!("roster_connections", "status" => name).set(count as f64);
    }
    describe_gauge!("roster_alerts_open", "Alerts that are open");
    gauge!("roster_alerts_open").set(status.open_alerts as f64);
    describe_gauge!("roster_due_connections", "Connections that are due and wait for their turn");
    gauge!("roster_due_connections").set(status.waiting as f64);
    describe_gauge!("roster_store_bytes", Unit::Bytes, "Size of the store's file");
    gauge!("roster_store_bytes").set(status.store.bytes as f64);
    describe_gauge!("roster_store_snapshots", "Snapshots stored");
    gauge!("roster_store_snapshots").set(status.store.snapshots as f64);
    describe_gauge!("roster_store_damaged_records", "Records found damaged since the start");
    gauge!("roster_store_damaged_records").set(status.store.damaged as f64);
    describe_gauge!("roster_store_writable", "1 when the store can be written");
    gauge!("roster_store_writable").set(if writable { 1.0 } else { 0.0 });
    describe_gauge!("roster_runs_24h", "Slots of the last 24 hours by platform and outcome");
    describe_gauge!("roster_platform_state", "1 for the state a platform is in");
    describe_gauge!("roster_platform_last_ok_timestamp_seconds", Unit::Seconds, "When a platform last told something");
    for platform in &status.platforms {
        runs(&platform.platform, platform.coverage_24h);
        state(&platform.platform, platform.state);
        if let Some(at) = platform.last_ok_at {
            gauge!("roster_platform_last_ok_timestamp_seconds", "platform" => platform.platform.clone())
                .set((at.0 / 1000) as f64);
        }
    }
}

fn runs(platform: &str, coverage: Coverage) {
    for (outcome, count) in
        [("ok", coverage.ok), ("partial", coverage.partial), ("failed", coverage.failed), ("skipped", coverage.skipped)]
    {
        gauge!("roster_runs_24h", "platform" => platform.to_owned(), "outcome" => outcome).set(count as f64);
    }
}

fn state(platform: &str, now: PlatformState) {
    for state in [PlatformState::Ok, PlatformState::Limited, PlatformState::Down, PlatformState::Unconfigured] {
        let value = if state == now { 1.0 } else { 0.0 };
        gauge!("roster_platform_state", "platform" => platform.to_owned(), "state" => state.as_str()).set(value);
    }
}
