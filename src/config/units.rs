//! Durations and sizes as people write them: `10m`, `7d`, `500MB`, `10%`.

use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, de};

/// A duration as people write it: `30s`, `10m`, `2h`, `7d`, `1h30m`, and a bare `0`. A day is 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "0" {
            return Ok(Self(Duration::ZERO));
        }
        text.parse::<Span>()
            .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
            .ok()
            .and_then(|d| Duration::try_from(d).ok())
            .map(Self)
            .ok_or_else(|| "not a duration: write a number and a unit, such as 500ms, 30s, 10m or 7d".to_owned())
    }
}

/// A limit on the total size of new indexes: `500MB`, `2 GiB`, `1048576` (bytes), or `10%` of the database.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// So many bytes.
    Bytes(u64),
    /// A share of the database's size, in percent.
    Percent(f64),
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "not a size: write bytes with a unit, such as 500MB or 2GiB, or a percentage such as 10%".to_owned();
        if let Some(percent) = text.trim().strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
            return if percent.is_finite() && percent >= 0.0 { Ok(Self::Percent(percent)) } else { Err(wrong()) };
        }
        text.trim().parse::<ByteSize>().map(|b| Self::Bytes(b.as_u64())).map_err(|_| wrong())
    }
}

macro_rules! deserialize_from_str {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

deserialize_from_str!(Period);
deserialize_from_str!(Size);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let seconds = |text: &str| text.parse::<Period>().map(|p| p.0.as_secs_f64());
        assert_eq!(seconds("0"), Ok(0.0));
        assert_eq!(seconds("500ms"), Ok(0.5));
        assert_eq!(seconds("10m"), Ok(600.0));
        assert_eq!(seconds("7d"), Ok(7.0 * 86_400.0));
        assert_eq!(seconds("1h30m"), Ok(5_400.0));
        for wrong in ["", "10", "ten minutes", "-5m", "1y"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong:?} was accepted");
        }
    }

    #[test]
    fn sizes_are_bytes_or_percent() {
        assert_eq!("500MB".parse(), Ok(Size::Bytes(500_000_000)));
        assert_eq!("2GiB".parse(), Ok(Size::Bytes(2 << 30)));
        assert_eq!("1024".parse(), Ok(Size::Bytes(1024)));
        assert_eq!("12.5%".parse(), Ok(Size::Percent(12.5)));
        for wrong in ["", "big", "-1%", "5 apples", "NaN%"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong:?} was accepted");
        }
    }
}
