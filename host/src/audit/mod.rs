//! The proof, from a guest's bytes alone, that a guest can be pure; or all the reasons why not.
//!
//! The author of a guest is assumed to know this source. So nothing is allowed because it looks harmless;
//! everything is refused that is not known to be harmless:
//!
//! - *Validity.* The module must validate with the [`CORE`](crate::ir::proposals::CORE) proposals alone. If it does not, but would with
//!   more, each further feature is a reason; the module is accepted by that one validation and by no other.
//! - *Imports.* A guest's only way out. Functions from `fork` and `wait` are let through, with the types that
//!   these can have; and what only ends the call, such as `abort` ([`NoReturn`](crate::ir::NoReturn)). Whatever else is imported, of whatever kind, is a reason.
//! - *Operators.* `core/operators.rs` lists, one by one, those that compute, that write and that call. An operator that
//!   it does not list is refused, an operator from a future version of the parser too.
//! - *Calls.* Who can call whom is over-approximated: an indirect call can reach every function of the same type
//!   whose reference is taken anywhere, be it in code that never runs. References enter a guest in no other way, as no
//!   signature that crosses its border may have one. So "cannot fork" and "stateless" hold whatever the tables contain.
//!
//! Names, types and call chains in messages are for people: they are bounded and escaped, and nothing is
//! decided by them. What stands in custom sections never decides whether a module is taken.
//!
//! Everything takes time and memory in proportion to the module (validation once more for each feature that it
//! may not use), and no algorithm recurses. Where an answer could be much larger than its question, there is a
//! limit: [`MAX_EXPORTS`](crate::ir::MAX_EXPORTS), [`MAX_VALUES`](crate::ir::MAX_VALUES), `MAX_DECLARED`, 256 names to fork, a hundred reasons, 32 entries of a call chain.
//!
//! A file that was cut off exactly between two sections can be a valid module: nothing in the format says how many
//! sections there are. It is then audited as what it is.
//!
//! Left to others: whether the forked names exist with these types, the limits on memory and time, and the engine,
//! which has to keep NaNs canonical and make growth predictable.

mod advice;
#[cfg_attr(not(feature = "components"), path = "component/absent.rs")]
mod component;
mod core;
pub(crate) mod cost;
mod features;
mod malformed;
mod names;
mod reason;
mod refusal;
#[cfg(test)]
mod tests;

use crate::imports::Imports;
pub(crate) use component::too_deep;
pub(crate) use names::function_name;
pub(crate) use refusal::{Audited, Refusal};

/// Audits a core module or a component.
///
/// # Errors
///
/// If the bytes are valid as neither, or if the guest cannot be shown to be pure; then with every reason.
pub(crate) fn audit(bytes: &[u8], may: Imports) -> Result<Audited, Refusal> {
    malformed::check(bytes).map_err(Refusal::Malformed)?;
    if wasmparser::Parser::is_component(bytes) { component::audit(bytes, may) } else { core::audit(bytes, may) }
}
