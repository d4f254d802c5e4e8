//! Network addresses (`inet`, `cidr`).

use core::net::IpAddr;
use std::cmp::Ordering;

/// An address with the length of its network part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net {
    /// IPv6.
    pub v6: bool,
    /// Bits of the network part.
    pub bits: u8,
    /// The address; an IPv4 one in the first four bytes.
    pub address: [u8; 16],
}

impl Net {
    /// From `10.1.2.3/24`, the length left out where it is the whole address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text.trim(), None),
        };
        let mut bytes = [0; 16];
        let v6 = match address.parse().ok()? {
            IpAddr::V4(v4) => {
                bytes.iter_mut().zip(v4.octets()).for_each(|(to, from)| *to = from);
                false
            }
            IpAddr::V6(v6) => {
                bytes = v6.octets();
                true
            }
        };
        let longest = if v6 { 128 } else { 32 };
        let bits = bits.unwrap_or(longest);
        (bits <= longest).then_some(Self { v6, bits, address: bytes })
    }

    /// Leading bits that two addresses share, of the first `most` (`bitncommon`).
    pub fn common_bits(&self, other: &Self, most: u8) -> u8 {
        let differing = u128::from_be_bytes(self.address) ^ u128::from_be_bytes(other.address);
        u8::try_from(differing.leading_zeros()).unwrap_or(most).min(most)
    }

    /// Order of the first `bits` bits (`bitncmp`).
    pub fn order_of_prefix(&self, other: &Self, bits: u8) -> Ordering {
        if self.common_bits(other, bits) == bits { Ordering::Equal } else { self.address.cmp(&other.address) }
    }

    /// `network_cmp`: by network, the shorter first, then by address.
    pub fn order(&self, other: &Self) -> Ordering {
        self.v6
            .cmp(&other.v6)
            .then_with(|| self.order_of_prefix(other, self.bits.min(other.bits)))
            .then_with(|| self.bits.cmp(&other.bits))
            .then_with(|| self.address.cmp(&other.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_ordered_as_numbers() {
        let net = |text: &str| Net::parse(text).unwrap_or(Net { v6: false, bits: 0, address: [0; 16] });
        assert_eq!(net("10.9.0.0").order(&net("10.10.0.0")), Ordering::Less);
        assert_eq!(net("10.0.0.0/8").order(&net("10.0.0.0/16")), Ordering::Less);
        assert_eq!(net("::1").order(&net("255.255.255.255")), Ordering::Greater);
        assert_eq!(net("10.1.2.3").common_bits(&net("10.1.3.3"), 32), 23);
        assert_eq!(Net::parse("10.1.2.3/40"), None);
    }
}
