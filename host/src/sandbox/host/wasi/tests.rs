use super::call::*;
use crate::abi::{self, Flat, Writer};
use crate::ir::Encoding;
use crate::ir::wasi::{Preview2, Resource};
use crate::sandbox::data::WasiState as State;
use crate::sandbox::error::Exit;
use crate::sandbox::guest_memory::GuestMemoryMut;
use crate::value::{Type, Value};
use wasmtime::Val;

/// Reads types as the audit writes them; handles are numbers.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn takes(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn word(&mut self) -> String {
        let end = self.0.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word.to_owned()
    }

    fn list<T>(&mut self, end: &str, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        while !self.takes(end) {
            items.push(item(self));
            self.takes(", ");
        }
        items
    }

    /// A type, and, where it is a handle's, of what.
    fn ty(&mut self) -> (Type, String) {
        let word = self.word();
        let ty = match word.as_str() {
            "own" | "borrow" => {
                assert!(self.takes("<"));
                let resource = self.word();
                assert!(self.takes(">"));
                return (Type::U32, resource);
            }
            "bool" => Type::Bool,
            "u8" => Type::U8,
            "u32" => Type::U32,
            "u64" => Type::U64,
            "string" => Type::String,
            "list" | "option" | "tuple" | "result" if self.takes("<") => {
                let items = self.list(">", |reader| if reader.takes("_") { None } else { Some(reader.ty()) });
                let of = items.first().cloned().flatten().map(|(_, resource)| resource).unwrap_or_default();
                let mut items = items.into_iter().map(|item| item.map(|(ty, _)| ty));
                let mut next = || items.next().flatten();
                let ty = match word.as_str() {
                    "list" => Type::list(next().unwrap()),
                    "option" => Type::option(next().unwrap()),
                    "result" => Type::result(next(), next()),
                    _ => Type::tuple(items.flatten()),
                };
                return (ty, of);
            }
            "result" => Type::result(None, None),
            "record" => {
                assert!(self.takes(" { "));
                let fields = self.list(" }", |reader| {
                    let name = reader.word();
                    assert!(reader.takes(": "));
                    (name, reader.ty().0)
                });
                Type::record(fields.iter().map(|(name, ty)| (name.as_str(), ty.clone())))
            }
            "variant" | "enum" | "flags" => {
                assert!(self.takes(" { "));
                let cases = self.list(" }", |reader| {
                    let name = reader.word();
                    let ty = reader.takes("(").then(|| reader.ty().0);
                    reader.takes(")");
                    (name, ty)
                });
                let names = || cases.iter().map(|(name, _)| name.as_str());
                match word.as_str() {
                    "variant" => Type::variant(cases.iter().map(|(name, ty)| (name.as_str(), ty.clone()))),
                    "enum" => Type::enumeration(names()),
                    _ => Type::flags(names()),
                }
            }
            other => panic!("`{other}` before `{}`", self.0),
        };
        (ty, String::new())
    }
}

/// A number that is a handle of the resource of that name, or 0.
fn handle(resource: &str) -> u32 {
    match resource {
        "input-stream" => Resource::STDIN,
        "output-stream" => Resource::STDOUT,
        "pollable" => Resource::READY,
        "descriptor" => Resource::ROOT,
        "directory-entry-stream" => Resource::ENTRIES,
        "network" => Resource::NETWORK,
        _ => 0,
    }
}

/// What there is in memory: a path, and a list of one handle that is ready.
const MEMORY: [u8; 8] = [b'a', 0, 0, 0, Resource::READY as u8, 0, 0, 0];

/// What a function answers to handles that are there, paths of so many letters, and zeroes. `stdin` can be read.
fn answer(function: Preview2, letters: i32, stdin: &[u8]) -> (wasmtime::Result<Value>, Option<Type>, Vec<Type>) {
    let mut reader = Reader(function.ty());
    assert!(reader.takes("("));
    let params = reader.list(")", Reader::ty);
    let result = reader.takes(" -> ").then(|| reader.ty().0);
    assert_eq!(reader.0, "", "{function:?}");
    let mut flat = Vec::new();
    for (ty, resource) in &params {
        match ty {
            Type::U32 => flat.push(Val::I32(handle(resource).cast_signed())),
            Type::U64 => flat.push(Val::I64(3)),
            Type::String => flat.extend([Val::I32(0), Val::I32(letters)]),
            Type::List(element) if **element == Type::U32 => flat.extend([Val::I32(4), Val::I32(1)]),
            ty => flat.extend((0..ty.flat_count()).map(|_| Val::I32(0))),
        }
    }
    let mut state = State::of_program(Vec::new(), stdin.to_vec().into(), 1000, None);
    let mut meter = Meter { fuel: 1000 };
    let mut memory = MEMORY;
    let mut asked = WasiCall {
        memory: GuestMemoryMut::whole(&mut memory),
        has_memory: true,
        state: &mut state,
        meter: &mut meter,
        look: abi::Look::never(),
    };
    let value = asked.value(function, Params(&flat), 1000, Encoding::Utf8);
    (value, result, params.into_iter().map(|(ty, _)| ty).collect())
}

#[test]
fn what_every_function_answers_is_of_its_type() {
    for &function in Preview2::ALL {
        for (letters, stdin) in [(0, &b""[..]), (1, b"abcdef")] {
            let (value, result, _) = answer(function, letters, stdin);
            let value = match (value, function) {
                (Err(error), Preview2::Exit | Preview2::ExitWithCode) => {
                    assert!(error.is::<Exit>(), "{error}");
                    continue;
                }
                (value, _) => value.unwrap_or_else(|error| panic!("{function:?}: {error}")),
            };
            let Some(ty) = result else {
                assert_eq!(value, Value::unit(), "{function:?}");
                continue;
            };
            let mut spaces = abi::Spaces::new();
            let fits = abi::spaces(&ty, &value, Encoding::Utf8, &mut spaces, &mut abi::Look::never());
            assert!(fits.is_ok(), "{function:?} gives {value}, which is no {ty}");
            let mut memory = vec![0; 4096];
            let places: abi::Places = (1..=spaces.len() as u32).map(|at| at * 256).collect();
            let mut writer = Writer {
                memory: &mut memory,
                encoding: Encoding::Utf8,
                places: places.into_iter(),
                look: abi::Look::never(),
            };
            assert!(abi::lower(&mut writer, &ty, &value, &mut Flat::new()).is_ok(), "{function:?}: {value}");
        }
    }
}

/// Of each unit that a program may read it in.
#[test]
fn time_stands_still_above_zero() {
    let now = |function| answer(function, 0, b"").0.unwrap();
    assert_eq!(now(Preview2::MonotonicNow), Value::U64(1_000_000_000));
    assert_eq!(now(Preview2::WallNow).to_string(), "{seconds: 1, nanoseconds: 0}");
    assert_eq!(now(Preview2::MonotonicResolution), Value::U64(1));
    assert_eq!(now(Preview2::WallResolution).to_string(), "{seconds: 0, nanoseconds: 1}");
}

#[test]
fn parameters_are_passed_on_the_stack() {
    for &function in Preview2::ALL {
        let (_, _, params) = answer(function, 0, b"");
        let flat: usize = params.iter().map(Type::flat_count).sum();
        assert!(flat <= abi::MAX_FLAT_PARAMS, "{function:?}");
    }
}

#[test]
fn no_handle_is_one_of_two_resources() {
    use Resource::*;
    const ALL: [Resource; 13] = [
        InputStream,
        OutputStream,
        Pollable,
        TerminalInput,
        TerminalOutput,
        Descriptor,
        DirectoryEntries,
        Error,
        Network,
        TcpSocket,
        UdpSocket,
        Addresses,
        Other,
    ];
    for handle in 0..100 {
        let of = ALL.iter().filter(|resource| resource.has(handle)).count();
        assert_eq!(of, usize::from((1..=7).contains(&handle)), "{handle}");
    }
}
