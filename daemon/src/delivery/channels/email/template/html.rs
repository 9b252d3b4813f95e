//! The HTML part. Every text is escaped by the macro; styles are inline, because some clients drop all others.

use maud::{DOCTYPE, html};
use roster_protocol::alert::Severity;

use super::facts::Fact;
use super::{Entry, Page};

const BODY: &str = "margin:0;padding:24px;font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif";
const QUIET: &str = "color:#64748b;font-size:13px;margin:0 0 12px";

pub(super) fn html(page: &Page) -> String {
    let Page { title, paragraphs, facts, chart, entries, advice } = page;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                // Otherwise phones make links of numbers and dates.
                meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no";
                title { (title) }
            }
            body style=(BODY) {
                h1 style="font-size:20px;margin:0 0 8px" { (title) }
                @for paragraph in paragraphs { p style="margin:0 0 8px" { (paragraph) } }
                @if let Some(chart) = chart {
                    (chart.bars())
                    p style=(QUIET) { (chart.caption) }
                }
                @if !facts.is_empty() {
                    table cellpadding="0" cellspacing="0" border="0" {
                        @for Fact { label, value } in facts {
                            tr {
                                td style="color:#64748b;padding:2px 16px 2px 0;vertical-align:top" { (label) }
                                td style="padding:2px 0" { (value) }
                            }
                        }
                    }
                }
                @for Entry { title, sentence, about, severity } in entries {
                    h2 style=(heading(*severity)) { (title) }
                    p style="margin:0" { (sentence) }
                    p style=(QUIET) { (about) }
                }
                @if let Some((sentence, command)) = advice {
                    p style="margin:16px 0 0" { (sentence) " " code { (command) } }
                }
            }
        }
    };
    markup.into_string()
}

fn heading(severity: Severity) -> String {
    let colour = match severity {
        Severity::Critical => "#b91c1c",
        Severity::Warning => "#c2410c",
        Severity::Info => "#475569",
    };
    format!("font-size:16px;margin:16px 0 2px;padding-left:8px;border-left:4px solid {colour}")
}
