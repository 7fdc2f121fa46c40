//! The one error of the library, and its parts: what happened, where, and what to do next.
//!
//! An [`Error`] is cheap to clone: every handle on a failed future sees the same one. It keeps its
//! [`ErrorKind`]; text is for people, the kind is for programs.

mod kind;
mod place;
mod reason;

pub use kind::ErrorKind;
pub use place::{ForkFrame, ForkSite, GuestFrame};
pub use reason::{Reason, ReasonKind};

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A result whose error is purefork's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with the place it was forked from, the guest's backtrace and the chain of forks.
///
/// `Display` prints two lines: what happened, and where or what to do. Everything else is reached by the
/// accessors. It is `Send` and `Sync`.
///
/// ```
/// use purefork::{Executor, ErrorKind, args};
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "add") (param i32 i32) (result i32)
///     (i32.add (local.get 0) (local.get 1))))"#)?;
/// let error = math.fork("ad", args![1, 2]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NoSuchFunction);
/// assert_eq!(error.help(), Some("did you mean `add`?"));
/// # Ok::<(), purefork::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Error(Arc<Inner>);

#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Inner {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    reasons: Vec<Reason>,
    site: Option<ForkSite>,
    backtrace: Vec<GuestFrame>,
    chain: Vec<ForkFrame>,
    omitted: usize,
    ends_tree: bool,
}

impl Error {
    /// An error of one's own, for `then` callbacks and promises: [`ErrorKind::Failed`].
    pub fn failed(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Failed, message)
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Arc::new(Inner { kind, message: message.into(), ..Inner::default() }))
    }

    pub(crate) fn with_help(self, help: impl Into<String>) -> Error {
        self.edit(|inner| inner.help = Some(help.into()))
    }

    pub(crate) fn with_reasons(self, reasons: Vec<Reason>) -> Error {
        self.edit(|inner| inner.reasons = reasons)
    }

    pub(crate) fn with_backtrace(self, backtrace: Vec<GuestFrame>) -> Error {
        self.edit(|inner| inner.backtrace = backtrace)
    }

    /// For an error that comes with no place of its own.
    pub(crate) fn with_site_if_none(self, site: &'static Location<'static>) -> Error {
        if self.0.site.is_some() { self } else { self.edit(|inner| inner.site = Some(ForkSite::host(site))) }
    }

    /// The chain of forks that led to a call, innermost first, behind those below it that the error has already. Of a long one the middle is
    /// left out.
    pub(crate) fn with_chain<T>(self, calls: impl Iterator<Item = T>, frame: impl Fn(T) -> ForkFrame) -> Error {
        /// How many are kept at each end.
        const KEPT: usize = 32;
        let (mut chain, mut outer) = (Vec::new(), VecDeque::new());
        let mut omitted = 0;
        // What a call is called is asked only of those that are kept.
        let frame = |link| match link {
            Ok(below) => below,
            Err(call) => frame(call),
        };
        for link in self.chain().iter().cloned().map(Ok).chain(calls.map(Err)) {
            if chain.len() < KEPT {
                chain.push(frame(link));
            } else {
                if outer.len() == KEPT {
                    outer.pop_front();
                    omitted += 1;
                }
                outer.push_back(link);
            }
        }
        chain.extend(outer.into_iter().map(frame));
        self.edit(|inner| {
            inner.site = chain.first().map(|frame| frame.site.clone());
            inner.chain = chain;
            inner.omitted = omitted;
        })
    }

    /// The error as it is before anybody knows where the call was forked.
    pub(crate) fn without_chain(self) -> Error {
        self.edit(|inner| {
            inner.site = None;
            inner.chain = Vec::new();
            inner.omitted = 0;
        })
    }

    /// What is the same whenever the call fails so: without where it was forked, and without the offsets of instructions, which a
    /// compiler loses here and there when it merges them.
    pub(crate) fn comparable(self) -> Error {
        self.without_chain().edit(|inner| inner.backtrace.iter_mut().for_each(|frame| frame.offset = None))
    }

    /// Takes a failure that some other call may catch out of every guest's reach.
    pub(crate) fn ending_tree(self) -> Error {
        self.edit(|inner| inner.ends_tree = true)
    }

    fn edit(self, change: impl FnOnce(&mut Inner)) -> Error {
        let mut inner = Arc::unwrap_or_clone(self.0);
        change(&mut inner);
        Error(Arc::new(inner))
    }

    /// The same with what does not print escaped, but for line feeds. What a guest makes up is escaped where an error is made; an error that was
    /// read from a file, or that is the host's own, could do something to a terminal.
    pub(crate) fn printable(self) -> Error {
        fn escape(text: &mut String) {
            // Also what turns the direction of writing, and the like.
            let wild = |c: char| !matches!(c, '\n' | '\'' | '"' | '\\') && c.escape_debug().len() > 1;
            if text.contains(wild) {
                let escaped = |c: char| if wild(c) { c.escape_debug().to_string() } else { c.to_string() };
                *text = text.chars().map(escaped).collect();
            }
        }
        fn escape_site(site: &mut ForkSite) {
            if let ForkSite::Host { file, .. } = site {
                escape(file.to_mut());
            }
        }
        self.edit(|inner| {
            let Inner { kind: _, message, help, reasons, site, backtrace, chain, omitted: _, ends_tree: _ } = inner;
            escape(message);
            help.iter_mut().for_each(escape);
            for Reason { what: _, message, chain, offset: _ } in reasons {
                escape(message);
                chain.iter_mut().for_each(escape);
            }
            site.iter_mut().for_each(escape_site);
            backtrace.iter_mut().for_each(|frame| escape(&mut frame.function));
            for ForkFrame { function, site } in chain {
                escape(function);
                escape_site(site);
            }
        })
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the failure is a result of the function and its arguments alone, so that a parent may catch it and it
    /// may be memoised: a trap, and the limits that every call has in full. Everything else ends the whole tree.
    pub fn is_catchable(&self) -> bool {
        use ErrorKind::*;
        matches!(self.kind(), Trap | OutOfFuel | OutOfMemory | TooManyForks | TooMuchOutput) && !self.0.ends_tree
    }

    /// What a guest that catches the failure is told: no more than is the same on every host. The texts are part of the
    /// guest contract.
    pub(crate) fn caught_text(&self) -> Option<&'static str> {
        self.is_catchable().then(|| match self.kind() {
            ErrorKind::OutOfFuel => "out of fuel",
            ErrorKind::OutOfMemory => "out of memory",
            ErrorKind::TooManyForks => "too many forks",
            ErrorKind::TooMuchOutput => "too much output",
            _ => "trap",
        })
    }

    /// What happened, in one sentence without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next, where there is something to do.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// All reasons for which the audit refused a guest; empty for other kinds.
    pub fn reasons(&self) -> &[Reason] {
        &self.0.reasons
    }

    /// Where the failed call was forked.
    pub fn fork_site(&self) -> Option<&ForkSite> {
        self.0.site.as_ref()
    }

    /// The guest's frames at the moment of the failure, innermost first.
    pub fn backtrace(&self) -> &[GuestFrame] {
        &self.0.backtrace
    }

    /// The failed call, the call that forked it, and so on up to the one the host forked.
    ///
    /// At most 64 entries are kept, the innermost and the outermost; [`Error::omitted`] says how many are not.
    pub fn chain(&self) -> &[ForkFrame] {
        &self.0.chain
    }

    /// How many calls in the middle of a long [`Error::chain`] were left out.
    pub fn omitted(&self) -> usize {
        self.0.omitted
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut line = String::new();
        if let Some(frame) = self.0.backtrace.first() {
            line.push_str(&format!("at {frame}"));
        }
        match (self.0.chain.as_slice(), &self.0.site) {
            ([_, .., root], _) => {
                let forks = (self.0.chain.len() - 1).saturating_add(self.0.omitted);
                let s = if forks == 1 { "" } else { "s" };
                let separator = if line.is_empty() { "" } else { ", " };
                line.push_str(&format!(
                    "{separator}{forks} fork{s} below `{}`, forked at {}",
                    root.function, root.site
                ));
            }
            (_, Some(site)) => {
                let separator = if line.is_empty() { "" } else { ", " };
                line.push_str(&format!("{separator}forked at {site}"));
            }
            _ => {}
        }
        if let Some(help) = &self.0.help {
            let separator = if line.is_empty() { "" } else { "; " };
            line.push_str(&format!("{separator}{help}"));
        }
        for reason in &self.0.reasons {
            line.push_str(&format!("\n  {reason}"));
        }
        if !line.is_empty() {
            let line = line.strip_prefix('\n').unwrap_or(&line);
            let indent = if line.starts_with("  ") { "" } else { "  " };
            write!(f, "\n{indent}{line}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_part() -> Error {
        let site = Location::caller();
        let frame = |function: &str, site| ForkFrame { function: function.to_owned(), site };
        let reason = Reason {
            what: ReasonKind::Import,
            message: "it imports a clock".to_owned(),
            chain: vec!["run".to_owned(), "now".to_owned()],
            offset: Some(7),
        };
        Error::new(ErrorKind::Trap, "the guest trapped")
            .with_help("do not")
            .with_reasons(vec![reason])
            .with_backtrace(vec![GuestFrame { function: "inner".to_owned(), offset: Some(0x20) }])
            .with_chain(
                [frame("leaf", ForkSite::Guest { number: 3 }), frame("root", ForkSite::host(site))].into_iter(),
                |frame| frame,
            )
            .edit(|inner| inner.omitted = 5)
            .ending_tree()
    }

    #[test]
    fn an_error_comes_back_from_serde_with_all_that_it_tells() {
        for error in [every_part(), Error::failed("the disk is full"), Error::new(ErrorKind::OutOfFuel, "no fuel")] {
            let binary = postcard::to_stdvec(&error).unwrap();
            let text = serde_json::to_string(&error).unwrap();
            for read in [postcard::from_bytes::<Error>(&binary).unwrap(), serde_json::from_str(&text).unwrap()] {
                assert_eq!(format!("{read:?}"), format!("{error:?}"));
                assert_eq!((read.kind(), read.message(), read.help()), (error.kind(), error.message(), error.help()));
                assert_eq!((read.reasons(), read.fork_site()), (error.reasons(), error.fork_site()));
                assert_eq!((read.backtrace(), read.chain()), (error.backtrace(), error.chain()));
                assert_eq!((read.omitted(), read.is_catchable()), (error.omitted(), error.is_catchable()));
            }
        }
    }
}
