//! A small neural network, a multilayer perceptron: its weights are loaded once, and forward passes forked many times.

mod linear;

#[purefork_guest::module]
mod mlp {
    use super::linear::{Linear, matrix, text};
    use purefork_guest::{Tensor, wait_all};
    use std::sync::OnceLock;

    /// What PyTorch's `nn.Module` has as its attributes.
    struct Model {
        hidden: Linear,
        output: Linear,
    }

    static MODEL: OnceLock<Model> = OnceLock::new();

    /// Takes the weights of two layers: matrices of inputs × outputs, and a number for each output.
    #[init]
    pub fn load(w1: &Tensor, b1: &Tensor, w2: &Tensor, b2: &Tensor) -> Result<(), String> {
        let model = Model { hidden: Linear::new(w1, b1)?, output: Linear::new(w2, b2)? };
        if model.hidden.outputs() != model.output.inputs() {
            let (given, taken) = (model.hidden.outputs(), model.output.inputs());
            return Err(format!("the first layer gives {given} numbers, and the second takes {taken}"));
        }
        MODEL.set(model).map_err(|_| "the weights are loaded already".to_owned())
    }

    /// The outputs for each row.
    pub fn forward(x: &Tensor) -> Result<Tensor, String> {
        let model = model()?;
        let ([rows, columns], x) = matrix(x)?;
        let mut hidden = model.hidden.forward([rows, columns], &x)?;
        hidden.iter_mut().for_each(|number| *number = number.max(0.0));
        let y = model.output.forward([rows, model.hidden.outputs()], &hidden)?;
        Tensor::new(&[rows, model.output.outputs()], &y).map_err(text)
    }

    /// The same; each block of rows is a fork.
    pub fn forward_blocks(x: &Tensor, rows: u32) -> Result<Tensor, String> {
        let ([_, columns], elements) = matrix(x)?;
        let mut forks = Vec::new();
        let block = (rows as usize).saturating_mul(columns as usize).max(columns.max(1) as usize);
        for block in elements.chunks(block) {
            let rows = (block.len() / columns as usize) as u32;
            forks.push(fork::forward(&Tensor::new(&[rows, columns], block).map_err(text)?));
        }
        let mut y = Tensor { dimensions: vec![0, model()?.output.outputs()], ty: x.ty, data: Vec::new() };
        for block in wait_all(forks) {
            let block = block?;
            y.dimensions[0] += block.dimensions[0];
            y.data.extend(block.data);
        }
        Ok(y)
    }

    /// Which output is the greatest, for each row.
    pub fn classify(x: &Tensor) -> Result<Vec<u32>, String> {
        let ([_, outputs], y) = matrix(&forward_blocks(x, 1)?)?;
        let greatest = |row: &[f32]| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0) as u32;
        Ok(y.chunks(outputs.max(1) as usize).map(greatest).collect())
    }

    fn model() -> Result<&'static Model, String> {
        MODEL.get().ok_or_else(|| "no weights: run `purefork preinit` with `load` first".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::mlp::{classify, forward, forward_blocks, load};
    use purefork_guest::Tensor;

    #[test]
    fn what_is_loaded_is_used_by_every_pass() {
        let tensor = |dimensions: &[u32], elements: &[f32]| Tensor::new(dimensions, elements).unwrap();
        let x = tensor(&[3, 2], &[1.0, 2.0, -1.0, 0.0, 0.5, -2.0]);
        assert_eq!(forward(&x).unwrap_err(), "no weights: run `purefork preinit` with `load` first");

        let (w1, b1) = (tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), tensor(&[2], &[0.5, -0.5]));
        let (w2, b2) = (tensor(&[2, 1], &[2.0, -1.0]), tensor(&[1], &[10.0]));
        let error = load(&w2, &b2, &w1, &b1).unwrap_err();
        assert_eq!(error, "the first layer gives 1 numbers, and the second takes 2");
        load(&w1, &b1, &w2, &b2).unwrap();
        assert_eq!(load(&w1, &b1, &w2, &b2).unwrap_err(), "the weights are loaded already");

        // The first row: (7.5, 9.5), which gives 15 - 9.5 + 10; of the others nothing is left by the ReLU.
        let y = forward(&x).unwrap();
        assert_eq!((&y.dimensions[..], y.elements::<f32>().unwrap()), (&[3, 1][..], vec![15.5, 10.0, 10.0]));
        assert_eq!([0, 2, 5].map(|rows| forward_blocks(&x, rows).unwrap()), [y.clone(), y.clone(), y]);
        assert_eq!(classify(&x).unwrap(), [0, 0, 0]);
        let error = forward(&tensor(&[1, 3], &[1.0; 3])).unwrap_err();
        assert_eq!(error, "the layer takes rows of 2 numbers, given are 3");
    }
}
