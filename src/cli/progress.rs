//! Progress bars on stderr, and only on a terminal.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::{Progress, Silent};

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// The progress display for this process: bars on a terminal, silence elsewhere.
pub(super) fn for_stderr() -> Arc<dyn Progress> {
    if io::stderr().is_terminal() { Arc::new(Bars::default()) } else { Arc::new(Silent) }
}

/// One bar at a time, removed when its phase ends.
#[derive(Debug, Default)]
struct Bars {
    current: Mutex<Option<ProgressBar>>,
}

impl Bars {
    fn replace(&self, bar: Option<ProgressBar>) {
        // A poisoned lock means another thread died while drawing: the bar is then of no interest.
        if let Ok(mut current) = self.current.lock() {
            if let Some(old) = current.take() {
                old.finish_and_clear();
            }
            *current = bar;
        }
    }
}

impl Progress for Bars {
    fn begin(&self, phase: &str, total: Option<u64>) {
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{msg:28} {bar:32} {pos}/{len} {elapsed}"),
            None => (ProgressBar::new_spinner(), "{msg:28} {spinner} {pos} {elapsed}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(phase.to_owned());
        bar.enable_steady_tick(TICK);
        self.replace(Some(bar));
    }

    fn advance(&self, items: u64) {
        if let Ok(current) = self.current.lock()
            && let Some(bar) = current.as_ref()
        {
            bar.inc(items);
        }
    }

    fn end(&self) {
        self.replace(None);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.replace(None);
    }
}
