//! What a guest's instructions cost: the same, whatever is added to them.
//!
//! The engine counts fuel by operator and does not know which ones are the guest's. So the operators that added code is made of
//! cost nothing, and in front of each of the guest's own stands a `nop`, which costs one unit and becomes no machine code. A
//! guest's own nops cost nothing, as ever, and are left out. So a guest is charged as if nothing had been added, and looks for its end
//! in the same places: fuel is what the call has done, not how its sandbox was made.
//!
//! An added function costs one unit on entry, which cannot be changed. So it stands for one operator, whose unit that is.
//!
//! Nops wait until fuel is next counted: on the way from one branch, call or loop to the next, their place does not matter.

use wasm_encoder::Function;
use wasmparser::Operator;

/// Gives a macro the operators that cost nothing: all that added code is made of. The fewer they are, the fewer nops there are.
macro_rules! free_operators {
    ($use:ident) => {
        $use! {
            LocalGet LocalSet LocalTee
            I32Const I32Add I32Sub I32ShrU I32LtU I32Store8 I32Store16
            Select BrIf Call
            MemorySize TableSize
            MemoryFill MemoryCopy MemoryInit TableFill TableCopy TableInit
        }
    };
}
pub(crate) use free_operators;

/// Whether the engine is told to charge nothing for an operator that it would charge for.
pub(super) fn is_free(op: &Operator<'_>) -> bool {
    macro_rules! is_one {
        ($($name:ident)*) => { matches!(op, $(Operator::$name { .. })|*) };
    }
    free_operators!(is_one)
}

/// Whether what was charged so far is counted before an operator: it ends a straight line, or looks whether fuel is left.
fn is_counted_before(op: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        op,
        O::Unreachable
            | O::Loop { .. }
            | O::If { .. }
            | O::Else
            | O::End
            | O::Br { .. }
            | O::BrIf { .. }
            | O::BrTable { .. }
            | O::BrOnNull { .. }
            | O::BrOnNonNull { .. }
            | O::BrOnCast { .. }
            | O::BrOnCastFail { .. }
            | O::Throw { .. }
            | O::ThrowRef
            | O::Return
            | O::Call { .. }
            | O::CallIndirect { .. }
            | O::CallRef { .. }
            | O::ReturnCall { .. }
            | O::ReturnCallIndirect { .. }
            | O::ReturnCallRef { .. }
            | O::MemoryGrow { .. }
            | O::MemoryFill { .. }
            | O::MemoryCopy { .. }
            | O::MemoryInit { .. }
            | O::TableGrow { .. }
            | O::TableFill { .. }
            | O::TableCopy { .. }
            | O::TableInit { .. }
    )
}

/// The nops that a guest's operators have yet to get.
#[derive(Default)]
pub(super) struct Owed(usize);

impl Owed {
    /// Charges for an operator that is written next, in place or as the call of an added function.
    pub(super) fn charge(&mut self, op: &Operator<'_>, added: bool, function: &mut Function) {
        if is_free(op) && !added {
            self.0 += 1;
        }
        if is_counted_before(op) {
            const NOP: u8 = 0x01;
            function.raw(std::iter::repeat_n(NOP, std::mem::take(&mut self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ops: &[(Operator<'_>, bool)]) -> Vec<usize> {
        let (mut owed, mut function) = (Owed::default(), Function::new([]));
        let empty = function.byte_len();
        let charged = ops.iter().map(|(op, added)| {
            owed.charge(op, *added, &mut function);
            function.byte_len() - empty
        });
        charged.collect()
    }

    #[test]
    fn nops_stand_where_fuel_is_next_counted() {
        use Operator as O;
        let get = O::LocalGet { local_index: 0 };
        let line = [
            (get.clone(), false),
            (O::I32Mul, false),
            (get, false),
            (O::Block { blockty: wasmparser::BlockType::Empty }, false),
            (O::BrIf { relative_depth: 0 }, false),
            (O::End, false),
        ];
        assert_eq!(written(&line), [0, 0, 0, 0, 3, 3]);
    }

    #[test]
    fn an_added_function_is_charged_for_by_its_entry() {
        let fill = Operator::MemoryFill { mem: 0 };
        assert_eq!(written(&[(fill.clone(), true)]), [0]);
        assert_eq!(written(&[(fill, false)]), [1]);
    }
}
