//! What the attribute was given: nothing, or a WIT written by hand.

use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Result, Token};

/// `wit = "folder or file", world = "name"`: both or neither; the world may be left out if there is only one.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) wit: Option<LitStr>,
    pub(crate) world: Option<LitStr>,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Args> {
        let mut args = Args::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            let slot = match key.to_string().as_str() {
                "wit" => &mut args.wit,
                "world" => &mut args.world,
                other => {
                    return Err(Error::new(key.span(), format!("`{other}` is unknown: `wit` and `world` are known")));
                }
            };
            if slot.is_some() {
                return Err(Error::new(key.span(), format!("`{key}` is given twice")));
            }
            input.parse::<Token![=]>()?;
            *slot = Some(input.parse()?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        match (&args.wit, &args.world) {
            (None, Some(world)) => Err(Error::new(world.span(), "a `world` needs the `wit` it is in: wit = \"wit\"")),
            _ => Ok(args),
        }
    }
}
