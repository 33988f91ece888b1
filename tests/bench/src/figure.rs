//! Figures: what a benchmark measured, beside what it is compared to.

use std::fmt;

/// Why a benchmark could not measure.
pub(crate) type BenchError = Box<dyn std::error::Error + Send + Sync>;

/// What a benchmark returns.
pub(crate) type BenchResult = Result<Vec<Figure>, BenchError>;

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
}

impl Figure {
    /// A figure of its own.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, baseline: None }
    }

    /// Compared to a baseline in the same unit.
    pub(crate) fn against(self, baseline: f64) -> Self {
        Self { baseline: Some(baseline), ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.baseline.filter(|baseline| *baseline != 0.0).map(|baseline| self.value / baseline)
    }

    /// One line for programs.
    pub(crate) fn json(&self, bench: &str) -> serde_json::Value {
        serde_json::json!({
            "bench": bench,
            "figure": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "baseline": self.baseline.map(rounded),
            "ratio": self.ratio().map(rounded),
        })
    }
}

/// Four digits tell more than any measurement holds.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:34} {:>12} {:12}", self.name, rounded(self.value), self.unit)?;
        if let (Some(baseline), Some(ratio)) = (self.baseline, self.ratio()) {
            write!(f, " baseline {:>12}  ratio {}", rounded(baseline), rounded(ratio))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_to_four_digits_and_carry_their_ratio() {
        let figure = Figure::new("cost_us", 2.345_678, "us").against(1.5);
        let json = figure.json("chain");
        assert_eq!((json["value"].as_f64(), json["ratio"].as_f64()), (Some(2.346), Some(1.564)));
        assert_eq!(Figure::new("failed", 0.0, "comments").json("chain")["ratio"], serde_json::Value::Null);
        assert_eq!(rounded(213_456.7), 213_500.0);
    }
}
