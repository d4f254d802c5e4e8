//! How long phases tell that they advance. The command line draws it; everything else stays silent.

/// Receives the progress of a long phase. Implementations must be cheap: `advance` is called for each item.
pub trait Progress: Send + Sync {
    /// A phase begins: `total` items, where known.
    fn begin(&self, phase: &str, total: Option<u64>);
    /// So many more items are done.
    fn advance(&self, items: u64);
    /// The phase is over.
    fn end(&self);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _phase: &str, _total: Option<u64>) {}
    fn advance(&self, _items: u64) {}
    fn end(&self) {}
}
