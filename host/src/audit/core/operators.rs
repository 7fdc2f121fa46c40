//! What one operator can do, as far as purity is concerned.
//!
//! An allow-list: an operator that is not named in this file is refused, whatever it is. So an operator
//! that a new `wasmparser` knows and this file does not is refused too, and a test that goes through all
//! operators of the allowed proposals fails until someone has said what it does.

use wasmparser::{MemArg, Operator};

/// What an operator does to the state of its instance, and where it can lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Reads and computes; calls nothing.
    Pure,
    /// Changes state that a later call in the same instance could see; says which.
    Writes(&'static str),
    /// Takes room in the collector's heap, and so leaves garbage there; says how. Where it stands in a constant expression, that is
    /// part of making an instance.
    Allocates(&'static str),
    /// Calls the function of this index.
    Calls(u32),
    /// Calls some function of the type of this index.
    CallsType(u32),
    /// Makes a reference to the function of this index, which an indirect call may use.
    Takes(u32),
    /// Not allowed in a guest; the proposal that it is from.
    Refused(&'static str),
}

/// Something of a module that is not a function: its kind and its index among those of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Memory(u32),
    Table(u32),
    Global(u32),
    Tag(u32),
}

/// What `op` does.
pub(super) fn effect(op: &Operator<'_>) -> Effect {
    use Operator as O;
    match op {
        O::Call { function_index } | O::ReturnCall { function_index } => Effect::Calls(*function_index),
        O::CallIndirect { type_index, .. }
        | O::ReturnCallIndirect { type_index, .. }
        | O::CallRef { type_index }
        | O::ReturnCallRef { type_index } => Effect::CallsType(*type_index),
        O::RefFunc { function_index } => Effect::Takes(*function_index),

        O::I32Store { .. }
        | O::I64Store { .. }
        | O::F32Store { .. }
        | O::F64Store { .. }
        | O::I32Store8 { .. }
        | O::I32Store16 { .. }
        | O::I64Store8 { .. }
        | O::I64Store16 { .. }
        | O::I64Store32 { .. }
        | O::V128Store { .. }
        | O::V128Store8Lane { .. }
        | O::V128Store16Lane { .. }
        | O::V128Store32Lane { .. }
        | O::V128Store64Lane { .. }
        | O::MemoryInit { .. }
        | O::MemoryCopy { .. }
        | O::MemoryFill { .. } => Effect::Writes("writes memory"),
        O::MemoryGrow { .. } => Effect::Writes("grows memory"),
        O::GlobalSet { .. } => Effect::Writes("writes a global"),
        O::TableSet { .. } | O::TableFill { .. } | O::TableCopy { .. } | O::TableInit { .. } => {
            Effect::Writes("writes a table")
        }
        O::TableGrow { .. } => Effect::Writes("grows a table"),
        O::DataDrop { .. } => Effect::Writes("drops a data segment"),
        O::ElemDrop { .. } => Effect::Writes("drops an element segment"),

        // A call that finds less room than another did could tell by running out of it.
        O::StructNew { .. }
        | O::StructNewDefault { .. }
        | O::ArrayNew { .. }
        | O::ArrayNewDefault { .. }
        | O::ArrayNewFixed { .. }
        | O::ArrayNewData { .. }
        | O::ArrayNewElem { .. } => Effect::Allocates("allocates an object"),
        O::Throw { .. } => Effect::Allocates("throws an exception"),
        O::StructSet { .. }
        | O::ArraySet { .. }
        | O::ArrayFill { .. }
        | O::ArrayCopy { .. }
        | O::ArrayInitData { .. }
        | O::ArrayInitElem { .. } => Effect::Writes("writes to an object"),

        _ if is_pure(op) => Effect::Pure,
        _ => Effect::Refused(proposal(op)),
    }
}

/// Calls `found` with every memory, table, global and tag that `op` names. For the call chains in
/// messages only: nothing is allowed because of what this finds or misses.
pub(super) fn items(op: &Operator<'_>, found: &mut dyn FnMut(Item)) {
    fn memory(arg: &MemArg) -> u32 {
        arg.memory
    }
    macro_rules! item {
        (memarg $v:ident) => {
            found(Item::Memory(memory($v)))
        };
        (mem $v:ident) => {
            found(Item::Memory(*$v))
        };
        (dst_mem $v:ident) => {
            found(Item::Memory(*$v))
        };
        (src_mem $v:ident) => {
            found(Item::Memory(*$v))
        };
        (table $v:ident) => {
            found(Item::Table(*$v))
        };
        (table_index $v:ident) => {
            found(Item::Table(*$v))
        };
        (dst_table $v:ident) => {
            found(Item::Table(*$v))
        };
        (src_table $v:ident) => {
            found(Item::Table(*$v))
        };
        (global_index $v:ident) => {
            found(Item::Global(*$v))
        };
        (tag_index $v:ident) => {
            found(Item::Tag(*$v))
        };
        ($other:ident $v:ident) => {{
            let _ = $v;
        }};
    }
    macro_rules! each {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $( Operator::$op $({ $($arg),* })? => { $( $( item!($arg $arg); )* )? } )*
                _ => {}
            }
        };
    }
    wasmparser::for_each_operator!(each);
}

/// What stands for `op` in the parser; [`text`] makes a name of it.
pub(super) fn name(op: &Operator<'_>) -> &'static str {
    macro_rules! each {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $( Operator::$op { .. } => stringify!($visit), )*
                _ => "visit_unknown",
            }
        };
    }
    wasmparser::for_each_operator!(each)
}

/// The proposal that `op` comes from, as `wasmparser` calls it.
fn proposal(op: &Operator<'_>) -> &'static str {
    macro_rules! each {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $( Operator::$op { .. } => stringify!($proposal), )*
                _ => "unknown",
            }
        };
    }
    wasmparser::for_each_operator!(each)
}

/// The name of an operator in WebAssembly's text format, near enough to be recognised:
/// `visit_i32_atomic_rmw8_add_u` → `i32.atomic.rmw8.add_u`.
pub(super) fn text(visit: &str) -> String {
    const DOTTED: [&str; 24] = [
        "i32", "i64", "f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2", "memory", "table",
        "global", "local", "ref", "data", "elem", "struct", "array", "i31", "any", "extern", "cont",
    ];
    let plain = visit.strip_prefix("visit_").unwrap_or(visit);
    let mut plain = plain.replace("_atomic_", ".atomic.").replace("atomic_fence", "atomic.fence");
    for width in ["rmw", "rmw8", "rmw16", "rmw32"] {
        plain = plain.replace(&format!(".{width}_"), &format!(".{width}."));
    }
    match plain.split_once('_') {
        Some((head, rest)) if DOTTED.contains(&head) => format!("{head}.{rest}"),
        _ => plain,
    }
}

/// The operators that read and compute and do nothing else, by proposal.
fn is_pure(op: &Operator<'_>) -> bool {
    macro_rules! any_of {
        ($(@$proposal:ident [ $($op:ident)* ])*) => {
            matches!(op, $( $( Operator::$op { .. } )|* )|*)
        };
    }
    any_of! {
        @mvp [
            Unreachable Nop Block Loop If Else End Br BrIf BrTable Return Drop Select
            LocalGet LocalSet LocalTee GlobalGet I32Load I64Load F32Load F64Load I32Load8S
            I32Load8U I32Load16S I32Load16U I64Load8S I64Load8U I64Load16S I64Load16U
            I64Load32S I64Load32U MemorySize I32Const I64Const F32Const F64Const I32Eqz
            I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU I64Eqz I64Eq
            I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU F32Eq F32Ne F32Lt
            F32Gt F32Le F32Ge F64Eq F64Ne F64Lt F64Gt F64Le F64Ge I32Clz I32Ctz I32Popcnt
            I32Add I32Sub I32Mul I32DivS I32DivU I32RemS I32RemU I32And I32Or I32Xor I32Shl
            I32ShrS I32ShrU I32Rotl I32Rotr I64Clz I64Ctz I64Popcnt I64Add I64Sub I64Mul
            I64DivS I64DivU I64RemS I64RemU I64And I64Or I64Xor I64Shl I64ShrS I64ShrU
            I64Rotl I64Rotr F32Abs F32Neg F32Ceil F32Floor F32Trunc F32Nearest F32Sqrt
            F32Add F32Sub F32Mul F32Div F32Min F32Max F32Copysign F64Abs F64Neg F64Ceil
            F64Floor F64Trunc F64Nearest F64Sqrt F64Add F64Sub F64Mul F64Div F64Min F64Max
            F64Copysign I32WrapI64 I32TruncF32S I32TruncF32U I32TruncF64S I32TruncF64U
            I64ExtendI32S I64ExtendI32U I64TruncF32S I64TruncF32U I64TruncF64S I64TruncF64U
            F32ConvertI32S F32ConvertI32U F32ConvertI64S F32ConvertI64U F32DemoteF64
            F64ConvertI32S F64ConvertI32U F64ConvertI64S F64ConvertI64U F64PromoteF32
            I32ReinterpretF32 I64ReinterpretF64 F32ReinterpretI32 F64ReinterpretI64
        ]
        @sign_extension [
            I32Extend8S I32Extend16S I64Extend8S I64Extend16S I64Extend32S
        ]
        @saturating_float_to_int [
            I32TruncSatF32S I32TruncSatF32U I32TruncSatF64S I32TruncSatF64U I64TruncSatF32S
            I64TruncSatF32U I64TruncSatF64S I64TruncSatF64U
        ]
        @reference_types [
            TypedSelect TypedSelectMulti RefNull RefIsNull TableGet TableSize
        ]
        @function_references [
            RefAsNonNull BrOnNull BrOnNonNull
        ]
        @exceptions [
            TryTable ThrowRef
        ]
        @gc [
            RefEq StructGet StructGetS StructGetU ArrayGet ArrayGetS ArrayGetU ArrayLen
            RefTestNonNull RefTestNullable RefCastNonNull RefCastNullable BrOnCast BrOnCastFail
            AnyConvertExtern ExternConvertAny RefI31 I31GetS I31GetU
        ]
        @simd [
            V128Load V128Load8x8S V128Load8x8U V128Load16x4S V128Load16x4U V128Load32x2S
            V128Load32x2U V128Load8Splat V128Load16Splat V128Load32Splat V128Load64Splat
            V128Load32Zero V128Load64Zero V128Load8Lane V128Load16Lane V128Load32Lane
            V128Load64Lane V128Const I8x16Shuffle I8x16ExtractLaneS I8x16ExtractLaneU
            I8x16ReplaceLane I16x8ExtractLaneS I16x8ExtractLaneU I16x8ReplaceLane
            I32x4ExtractLane I32x4ReplaceLane I64x2ExtractLane I64x2ReplaceLane
            F32x4ExtractLane F32x4ReplaceLane F64x2ExtractLane F64x2ReplaceLane I8x16Swizzle
            I8x16Splat I16x8Splat I32x4Splat I64x2Splat F32x4Splat F64x2Splat I8x16Eq
            I8x16Ne I8x16LtS I8x16LtU I8x16GtS I8x16GtU I8x16LeS I8x16LeU I8x16GeS I8x16GeU
            I16x8Eq I16x8Ne I16x8LtS I16x8LtU I16x8GtS I16x8GtU I16x8LeS I16x8LeU I16x8GeS
            I16x8GeU I32x4Eq I32x4Ne I32x4LtS I32x4LtU I32x4GtS I32x4GtU I32x4LeS I32x4LeU
            I32x4GeS I32x4GeU I64x2Eq I64x2Ne I64x2LtS I64x2GtS I64x2LeS I64x2GeS F32x4Eq
            F32x4Ne F32x4Lt F32x4Gt F32x4Le F32x4Ge F64x2Eq F64x2Ne F64x2Lt F64x2Gt F64x2Le
            F64x2Ge V128Not V128And V128AndNot V128Or V128Xor V128Bitselect V128AnyTrue
            I8x16Abs I8x16Neg I8x16Popcnt I8x16AllTrue I8x16Bitmask I8x16NarrowI16x8S
            I8x16NarrowI16x8U I8x16Shl I8x16ShrS I8x16ShrU I8x16Add I8x16AddSatS
            I8x16AddSatU I8x16Sub I8x16SubSatS I8x16SubSatU I8x16MinS I8x16MinU I8x16MaxS
            I8x16MaxU I8x16AvgrU I16x8ExtAddPairwiseI8x16S I16x8ExtAddPairwiseI8x16U
            I16x8Abs I16x8Neg I16x8Q15MulrSatS I16x8AllTrue I16x8Bitmask I16x8NarrowI32x4S
            I16x8NarrowI32x4U I16x8ExtendLowI8x16S I16x8ExtendHighI8x16S
            I16x8ExtendLowI8x16U I16x8ExtendHighI8x16U I16x8Shl I16x8ShrS I16x8ShrU I16x8Add
            I16x8AddSatS I16x8AddSatU I16x8Sub I16x8SubSatS I16x8SubSatU I16x8Mul I16x8MinS
            I16x8MinU I16x8MaxS I16x8MaxU I16x8AvgrU I16x8ExtMulLowI8x16S
            I16x8ExtMulHighI8x16S I16x8ExtMulLowI8x16U I16x8ExtMulHighI8x16U
            I32x4ExtAddPairwiseI16x8S I32x4ExtAddPairwiseI16x8U I32x4Abs I32x4Neg
            I32x4AllTrue I32x4Bitmask I32x4ExtendLowI16x8S I32x4ExtendHighI16x8S
            I32x4ExtendLowI16x8U I32x4ExtendHighI16x8U I32x4Shl I32x4ShrS I32x4ShrU I32x4Add
            I32x4Sub I32x4Mul I32x4MinS I32x4MinU I32x4MaxS I32x4MaxU I32x4DotI16x8S
            I32x4ExtMulLowI16x8S I32x4ExtMulHighI16x8S I32x4ExtMulLowI16x8U
            I32x4ExtMulHighI16x8U I64x2Abs I64x2Neg I64x2AllTrue I64x2Bitmask
            I64x2ExtendLowI32x4S I64x2ExtendHighI32x4S I64x2ExtendLowI32x4U
            I64x2ExtendHighI32x4U I64x2Shl I64x2ShrS I64x2ShrU I64x2Add I64x2Sub I64x2Mul
            I64x2ExtMulLowI32x4S I64x2ExtMulHighI32x4S I64x2ExtMulLowI32x4U
            I64x2ExtMulHighI32x4U F32x4Ceil F32x4Floor F32x4Trunc F32x4Nearest F32x4Abs
            F32x4Neg F32x4Sqrt F32x4Add F32x4Sub F32x4Mul F32x4Div F32x4Min F32x4Max
            F32x4PMin F32x4PMax F64x2Ceil F64x2Floor F64x2Trunc F64x2Nearest F64x2Abs
            F64x2Neg F64x2Sqrt F64x2Add F64x2Sub F64x2Mul F64x2Div F64x2Min F64x2Max
            F64x2PMin F64x2PMax I32x4TruncSatF32x4S I32x4TruncSatF32x4U F32x4ConvertI32x4S
            F32x4ConvertI32x4U I32x4TruncSatF64x2SZero I32x4TruncSatF64x2UZero
            F64x2ConvertLowI32x4S F64x2ConvertLowI32x4U F32x4DemoteF64x2Zero
            F64x2PromoteLowF32x4
        ]
    }
}
