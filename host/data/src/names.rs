//! Names of parameters.

/// Whether two names are the same: WIT has dashes where others have underscores.
pub(crate) fn same(known: &str, given: &str) -> bool {
    let dash = |byte: u8| if byte == b'_' { b'-' } else { byte };
    known.len() == given.len() && known.bytes().map(dash).eq(given.bytes().map(dash))
}
