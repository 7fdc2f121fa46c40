//! Names of columns, and of parameters.

/// Whether two names are the same: WIT has dashes where others have underscores.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let dash = |byte: u8| if byte == b'_' { b'-' } else { byte };
    a.bytes().map(dash).eq(b.bytes().map(dash))
}
