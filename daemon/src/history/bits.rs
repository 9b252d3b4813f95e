//! Numbers packed at a few bits each, lowest bit first; and numbers that take only as many bytes as they need.

/// How many bits `value` needs: 0 for 0, 64 at most.
pub(super) fn width(value: u64) -> u8 {
    (u64::BITS - value.leading_zeros()) as u8
}

/// How many bytes `count` numbers of `width` bits take.
pub(super) fn packed_len(count: usize, width: u8) -> usize {
    (count * usize::from(width)).div_ceil(8)
}

/// Appends `values` with `width` bits each; higher bits are lost.
pub(super) fn pack(values: &[u64], width: u8, out: &mut Vec<u8>) {
    let (mut held, mut bits) = (0u128, 0u32);
    for value in values {
        held |= u128::from(value & mask(width)) << bits;
        bits += u32::from(width);
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(held as u8);
    }
}

/// Fills `values` with numbers of `width` bits and moves `input` behind them; `None` when it is too short.
pub(super) fn unpack(input: &mut &[u8], width: u8, values: &mut [u64]) -> Option<()> {
    let (mut packed, rest) = input.split_at_checked(packed_len(values.len(), width))?;
    *input = rest;
    let (mut held, mut bits) = (0u128, 0u32);
    for value in values {
        while bits < u32::from(width) {
            if let Some((eight, rest)) = packed.split_first_chunk::<8>().filter(|_| bits <= 56) {
                held |= u128::from(u64::from_le_bytes(*eight)) << bits;
                bits += 64;
                packed = rest;
            } else {
                let (one, rest) = packed.split_first()?;
                held |= u128::from(*one) << bits;
                bits += 8;
                packed = rest;
            }
        }
        *value = held as u64 & mask(width);
        held >>= width;
        bits -= u32::from(width);
    }
    Some(())
}

fn mask(width: u8) -> u64 {
    1u64.checked_shl(u32::from(width)).map_or(u64::MAX, |bit| bit - 1)
}

/// Maps numbers of either sign to unsigned ones, so that small numbers stay small.
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// How many bytes [`put_varint`] takes.
pub(super) fn varint_len(value: u64) -> usize {
    usize::from(width(value).max(1)).div_ceil(7)
}

/// Appends seven bits a byte, lowest first; a set high bit means that more bytes follow.
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads what [`put_varint`] wrote; `None` when it is cut off or longer than 64 bits.
pub(super) fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        let seven = u64::from(byte & 0x7f);
        if shift == 63 && seven > 1 {
            return None;
        }
        value |= seven << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_numbers_come_back(width in 0u8..=64, values: Vec<u64>, tail: Vec<u8>) {
            let values: Vec<u64> = values.iter().map(|value| value & mask(width)).collect();
            let mut out = Vec::new();
            pack(&values, width, &mut out);
            prop_assert_eq!(out.len(), packed_len(values.len(), width));
            out.extend_from_slice(&tail);
            let mut input = &out[..];
            let mut back = vec![7; values.len()];
            prop_assert_eq!(unpack(&mut input, width, &mut back), Some(()));
            prop_assert_eq!(back, values);
            prop_assert_eq!(input, &tail[..]);
        }

        #[test]
        fn varints_come_back(value: u64, signed: i64) {
            let mut out = Vec::new();
            put_varint(value, &mut out);
            prop_assert_eq!(out.len(), varint_len(value));
            prop_assert_eq!(take_varint(&mut &out[..]), Some(value));
            prop_assert_eq!(take_varint(&mut &out[..out.len() - 1]), None);
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }

    #[test]
    fn a_varint_over_64_bits_is_refused() {
        assert_eq!(take_varint(&mut &[0xff; 12][..]), None);
        let mut out = Vec::new();
        put_varint(u64::MAX, &mut out);
        assert_eq!(take_varint(&mut &out[..]), Some(u64::MAX));
        out[9] = 2;
        assert_eq!(take_varint(&mut &out[..]), None);
    }
}
