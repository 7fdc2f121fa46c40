//! One layer: each output is a sum of the inputs, weighted, and a number of its own.

use purefork_guest::{Tensor, TensorError};

/// A linear layer, ready for use.
pub(crate) struct Linear {
    /// Inputs × outputs, row-major.
    weight: Vec<f32>,
    bias: Vec<f32>,
    inputs: u32,
}

impl Linear {
    /// Takes a matrix of inputs × outputs, and a number for each output.
    pub(crate) fn new(weight: &Tensor, bias: &Tensor) -> Result<Linear, String> {
        let ([inputs, outputs], weight) = matrix(weight)?;
        if bias.dimensions != [outputs] {
            return Err(format!("a bias of dimensions {:?} is not for {outputs} outputs", bias.dimensions));
        }
        if inputs == 0 || outputs == 0 {
            return Err(format!("a layer of {inputs} inputs and {outputs} outputs computes nothing"));
        }
        Ok(Linear { weight, bias: bias.elements().map_err(text)?, inputs })
    }

    /// How many numbers a row has.
    pub(crate) fn inputs(&self) -> u32 {
        self.inputs
    }

    /// How many numbers it gives for each row.
    pub(crate) fn outputs(&self) -> u32 {
        self.bias.len() as u32
    }

    /// The outputs of each row. They are summed in the order of the inputs, so that the result is the same, bit for bit,
    /// wherever it is computed.
    pub(crate) fn forward(&self, [rows, columns]: [u32; 2], x: &[f32]) -> Result<Vec<f32>, String> {
        if columns != self.inputs {
            return Err(format!("the layer takes rows of {} numbers, given are {columns}", self.inputs));
        }
        let outputs = self.bias.len();
        let mut y = vec![0f32; rows as usize * outputs];
        for (y, x) in y.chunks_mut(outputs).zip(x.chunks(columns as usize)) {
            for (input, weights) in x.iter().zip(self.weight.chunks(outputs)) {
                for (sum, weight) in y.iter_mut().zip(weights) {
                    *sum += input * weight;
                }
            }
            y.iter_mut().zip(&self.bias).for_each(|(sum, bias)| *sum += bias);
        }
        Ok(y)
    }
}

/// The dimensions and the elements of a matrix.
pub(crate) fn matrix(tensor: &Tensor) -> Result<([u32; 2], Vec<f32>), String> {
    match tensor.dimensions.as_slice() {
        [rows, columns] => Ok(([*rows, *columns], tensor.elements().map_err(text)?)),
        other => Err(format!("a matrix has two dimensions, given are {}", other.len())),
    }
}

/// The text of an error.
pub(crate) fn text(error: TensorError) -> String {
    error.to_string()
}
