//! A trace as one HTML file, which needs nothing else: the timeline, the tree of forks, the IR, and all that is known of each call.
//!
//! `page.html` is the frame, `page.css` the look, `script` all that happens; [`data`] says what it is given. There is no build step.

mod data;

use super::Trace;
use sha2::{Digest, Sha256};
use std::io;

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// One script of several files, each of which knows those before it.
const SCRIPT: &str = concat!(
    include_str!("script/model.js"),
    include_str!("script/look.js"),
    include_str!("script/timeline.js"),
    include_str!("script/tree.js"),
    include_str!("script/details.js"),
    include_str!("script/search.js"),
    include_str!("script/main.js"),
);

impl Trace {
    /// Writes the trace as a page for a browser: one HTML file, which opens without a network. `title` is its title, `ir` a text that it shows
    /// beside the tree of forks, such as the [`graph`](Trace::graph); it may be empty, and of more than 1 MiB the beginning is shown.
    ///
    /// What guests made up does no harm in it: names, values and errors are shortened, and shown as text. The page's own policy allows it
    /// neither scripts but its own, nor to load or to send anything.
    ///
    /// ```
    /// # use purefork::{Executor, args};
    /// # let exec = Executor::new()?;
    /// # let math = exec.load_bytes(r#"(module (func (export "add") (param $a i32) (param $b i32) (result i32)
    /// #     (i32.add (local.get $a) (local.get $b))))"#)?;
    /// let trace = math.trace("add", args![2, 3])?;
    /// let page = trace.to_html("add of math", &trace.graph().to_string());
    /// assert!(page.contains("<title>add of math</title>"));
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What writing to `to` gives.
    pub fn write_html(&self, to: &mut impl io::Write, title: &str, ir: &str) -> io::Result<()> {
        let mut rest = FRAME;
        while let Some((before, after)) = rest.split_once("<!-- {") {
            let (place, after) = after.split_once("} -->").unwrap_or((after, ""));
            to.write_all(before.as_bytes())?;
            match place {
                "policy" => to.write_all(policy().as_bytes())?,
                "title" => to.write_all(in_markup(title).as_bytes())?,
                "style" => write!(to, "<style>{STYLE}</style>")?,
                "data" => data::write(self, to, title, ir)?,
                "script" => write!(to, "<script>{SCRIPT}</script>")?,
                _ => debug_assert!(false, "nothing is known of `{place}`"),
            }
            rest = after;
        }
        to.write_all(rest.as_bytes())
    }

    /// What [`write_html`](Trace::write_html) writes.
    pub fn to_html(&self, title: &str, ir: &str) -> String {
        super::text(|to| self.write_html(to, title, ir))
    }
}

/// What the page may do: run this script, with this style. No request can leave it.
fn policy() -> String {
    let (script, style) = (base64(&Sha256::digest(SCRIPT)), base64(&Sha256::digest(STYLE)));
    format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-{script}'; \
         style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'\">"
    )
}

fn in_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        for digit in 0..4 {
            let shown = digit <= three.len();
            text.push(if shown { DIGITS[(bits >> (18 - 6 * digit) & 63) as usize] as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
