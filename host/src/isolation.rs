//! How calls get their sandboxes.

/// How calls get their sandboxes. A guest cannot tell, and uses the same fuel.
///
/// ```
/// use purefork::{Executor, Isolation};
///
/// let exec = Executor::builder().isolation(Isolation::Fresh).build()?;
/// # Ok::<(), purefork::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Isolation {
    /// Guests are rewritten when they are loaded, so that what a call has changed can be put back, and another call can have
    /// the sandbox: in a fifth of a microsecond instead of several. Code that does little but write to memory is up to a
    /// quarter slower for it. A guest that cannot be rewritten runs as under [`Isolation::Fresh`];
    /// [`Inspection::fresh`](crate::inspect::Inspection::fresh) tells why.
    #[default]
    Recycled,
    /// Guests are not rewritten for that, and each call gets a new instance. For few long calls.
    Fresh,
}
