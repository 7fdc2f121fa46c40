//! In place of `text` in a build without the feature `wat`.

use crate::error::{Error, ErrorKind, Result};

pub(super) fn assembled(_text: &str) -> Result<Vec<u8>> {
    let message = "expected WebAssembly in its binary form, but was given its text";
    let help = "assemble it, as with `wat2wasm`, or build purefork with its feature `wat`";
    Err(Error::new(ErrorKind::Unsupported, message).with_help(help))
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_is_refused_with_what_to_do() {
        let error = crate::Executor::builder().inspect("(module)").unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected WebAssembly in its binary form, but was given its text
  assemble it, as with `wat2wasm`, or build purefork with its feature `wat`"
        );
    }
}
