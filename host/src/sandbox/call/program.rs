//! A program of WASI: its arguments and stdin in, its status and what it wrote out.

use super::target::Target;
use crate::abi::Flat;
use crate::error::{Error, ErrorKind};
use crate::sandbox::data::WasiState;
use crate::sandbox::error::{Exit, Stop};
use crate::sandbox::lifecycle::Sandbox;
use crate::value::{Value, Values};
use wasmtime::Func;

impl Sandbox {
    /// Gives a program its arguments and its stdin.
    pub(super) fn program(&mut self, target: &Target<'_>, args: &Values) -> wasmtime::Result<Func> {
        let values = args.of(target.params).ok_or_else(|| target.unfit())?;
        let Ok([Value::List(args), Value::List(stdin)]) = <[Value; 2]>::try_from(values.collect::<Vec<_>>()) else {
            return Err(target.unfit());
        };
        let mut texts = Vec::new();
        for arg in args.iter() {
            match arg {
                Value::String(text) if !text.contains('\0') => texts.push(text),
                _ => {
                    let error = Error::new(
                        ErrorKind::ArgumentMismatch,
                        format!(
                            "argument `args` of `{}`: expected text without a NUL, at which a program takes an argument to end",
                            target.definition.name(target.number)
                        ),
                    );
                    return Err(Stop(error).into());
                }
            }
        }
        let world = self.store.data().world.clone();
        let state = WasiState::of_program(texts, stdin, target.definition.limits.output, world);
        self.store.data_mut().call.wasi = Some(Box::new(state));
        self.function(target, target.entry.function)
    }

    /// What a program gives: its status and what it wrote. Of what is noted, the rest stays with the call.
    pub(super) fn program_ended(&mut self, ended: wasmtime::Result<Flat>) -> wasmtime::Result<Value> {
        let status = match ended {
            // Of a component, the result's case; a core module's function that returns has succeeded.
            Ok(flat) => u8::from(flat.first().is_some_and(|case| *case != 0)),
            Err(error) => match error.downcast_ref::<Exit>() {
                Some(Exit(status)) => {
                    self.unwound();
                    *status
                }
                None => return Err(error),
            },
        };
        let (stdout, stderr) =
            self.store.data_mut().call.wasi.as_mut().map(|state| state.take_written()).unwrap_or_default();
        Ok(Value::record([
            ("status", Value::U8(status)),
            ("stdout", Value::from(stdout)),
            ("stderr", Value::from(stderr)),
        ]))
    }
}
