//! Exact sums and products of `numeric` constants, as far as 38 digits hold them.

use crate::planner::value::Datum;

/// An unscaled number and the digits after its point.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    units: i128,
    scale: u32,
}

impl Decimal {
    fn of(value: &Datum) -> Option<Self> {
        let text = match value {
            Datum::Int(i) => return Some(Self { units: i128::from(*i), scale: 0 }),
            Datum::Numeric(_, text) => text,
            _ => return None,
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let units = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { units, scale: u32::try_from(fraction.len()).ok()? })
    }

    fn at(self, scale: u32) -> Option<i128> {
        self.units.checked_mul(10_i128.checked_pow(scale - self.scale)?)
    }

    fn datum(self) -> Option<Datum> {
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        let sign = if self.units < 0 { "-" } else { "" };
        crate::planner::value::numeric(&format!("{sign}{whole}.{fraction}"))
    }
}

/// Arithmetic on two numbers, one of them `numeric`: exact but for division and remainders.
pub(super) fn arithmetic(name: &str, a: &Datum, b: &Datum) -> Option<Datum> {
    let (x, y) = (Decimal::of(a)?, Decimal::of(b)?);
    let scale = x.scale.max(y.scale);
    match name {
        "numeric_add" => Decimal { units: x.at(scale)?.checked_add(y.at(scale)?)?, scale }.datum(),
        "numeric_sub" => Decimal { units: x.at(scale)?.checked_sub(y.at(scale)?)?, scale }.datum(),
        "numeric_mul" => Decimal { units: x.units.checked_mul(y.units)?, scale: x.scale + y.scale }.datum(),
        "numeric_mod" if y.units != 0 => Decimal { units: x.at(scale)? % y.at(scale)?, scale }.datum(),
        "numeric_div" if y.units != 0 => {
            // Sixteen significant digits at least, as `select_div_scale` has it.
            let scale = 20;
            let numerator = x.units.checked_mul(10_i128.checked_pow(scale + y.scale)?)?;
            let units = numerator / y.units.checked_mul(10_i128.checked_pow(x.scale)?)?;
            Decimal { units, scale }.datum()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::value::numeric;

    #[test]
    fn tenths_stay_tenths() {
        let n = |t: &str| numeric(t).unwrap();
        assert_eq!(arithmetic("numeric_add", &n("0.06"), &n("0.01")), numeric("0.07"));
        assert_eq!(arithmetic("numeric_sub", &n("0.06"), &n("0.07")), numeric("-0.01"));
        assert_eq!(arithmetic("numeric_mul", &n("1.5"), &Datum::Int(2)), numeric("3"));
        assert_eq!(arithmetic("numeric_div", &n("1"), &n("4")), numeric("0.25"));
        assert_eq!(arithmetic("numeric_div", &n("1"), &n("0")), None);
    }
}
