//! Columns of up to 31 numbers in as few bytes as is cheap: each as delta or difference from its least value, bit-packed
//! at the width it needs. Months of days and blocks of weeks are made of such columns.
//!
//! Layout: version · slots (u32, bit 0 is the first) · a nibble per column (form, has gaps, in thousands) · the columns.
//! A column: bitmap of the slots that have a value, among those of the whole, if there are gaps · base (zigzag varint) ·
//! for deltas the least delta (zigzag varint) · width · the packed numbers. All arithmetic wraps, so that every 64-bit value can be restored. A column's length follows from its
//! head: one column is read without the others.

use super::bits;

/// How many slots there are: no month has more days.
pub(super) const SLOTS: usize = 31;

/// The bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no packed numbers: {0}")]
pub struct ChunkError(pub(super) &'static str);

/// Values by slot, such as the day of a month; those of slots that are not in `present` have no meaning.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    /// Bit 0 is the first slot.
    pub present: u32,
    values: [u64; SLOTS],
}

impl Days {
    pub(super) const NONE: Days = Days { present: 0, values: [0; SLOTS] };

    /// The slots that have a value, from 0, with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        set_bits(self.present).map(|day| (day, self.values[usize::from(day)]))
    }

    pub(super) fn get(&self, day: u8) -> Option<u64> {
        (self.present >> day & 1 == 1).then(|| self.values[usize::from(day)])
    }

    pub(super) fn set(&mut self, day: u8, value: Option<u64>) {
        self.present &= !(1 << day);
        if let Some(value) = value {
            self.present |= 1 << day;
            self.values[usize::from(day)] = value;
        }
    }
}

/// Columns with what they say about themselves; the slots are those that any of them may have a value in.
pub(super) fn encode_all(version: u8, slots: u32, columns: &[Days]) -> Vec<u8> {
    let mut out = Vec::with_capacity(24 * SLOTS);
    out.push(version);
    out.extend_from_slice(&slots.to_le_bytes());
    let nibbles = out.len();
    out.resize(nibbles + columns.len().div_ceil(2), 0);
    for (at, column) in columns.iter().enumerate() {
        let nibble = encode_column(slots, column, &mut out);
        out[nibbles + at / 2] |= nibble << (at % 2 * 4);
    }
    out
}

/// Decodes what [`encode_all`] wrote, into columns that have no values yet, and returns the slots. `counts` has the number
/// of columns in each version, from 1 on.
///
/// # Errors
/// When the bytes are not exactly that.
pub(super) fn decode_all(bytes: &[u8], counts: &[usize], columns: &mut [Days]) -> Result<u32, ChunkError> {
    let Head { slots, count, nibbles, mut input } = head(bytes, counts)?;
    for (at, column) in columns.iter_mut().take(count).enumerate() {
        decode_column(slots, nibble(nibbles, at), &mut input, column)?;
    }
    if input.is_empty() { Ok(slots) } else { Err(ChunkError("something follows it")) }
}

/// What precedes the columns, and the columns.
pub(super) struct Head<'a> {
    pub(super) slots: u32,
    /// How many columns there are.
    pub(super) count: usize,
    pub(super) nibbles: &'a [u8],
    pub(super) input: &'a [u8],
}

/// # Errors
/// When the bytes do not begin like columns.
pub(super) fn head<'a>(bytes: &'a [u8], counts: &[usize]) -> Result<Head<'a>, ChunkError> {
    let [version, a, b, c, d, rest @ ..] = bytes else { return Err(CUT_OFF) };
    let known = usize::from(*version).checked_sub(1).and_then(|version| counts.get(version));
    let count = *known.ok_or(ChunkError("an unknown version"))?;
    let slots = u32::from_le_bytes([*a, *b, *c, *d]);
    let (nibbles, input) = rest.split_at_checked(count.div_ceil(2)).ok_or(CUT_OFF)?;
    if slots == 0 || slots >> SLOTS != 0 {
        return Err(ChunkError("impossible slots"));
    }
    Ok(Head { slots, count, nibbles, input })
}

pub(super) fn nibble(nibbles: &[u8], at: usize) -> u8 {
    nibbles[at / 2] >> (at % 2 * 4) & 0xf
}

const CUT_OFF: ChunkError = ChunkError("it is cut off");

/// No day has a value.
const ABSENT: u8 = 0;
/// All values are the base.
const CONSTANT: u8 = 1;
/// Differences from the base, which is the least value.
const OFFSETS: u8 = 2;
/// The base, then the differences between neighbours, each less the least of them.
const DELTAS: u8 = 3;
const FORM: u8 = 3;
/// Not all of the chunk's days have a value.
const GAPS: u8 = 4;
/// The numbers are the values divided by 1000.
const THOUSANDS: u8 = 8;

/// Appends a column and returns its nibble.
fn encode_column(days: u32, column: &Days, out: &mut Vec<u8>) -> u8 {
    let mut buffer = [0i64; SLOTS];
    let mut count = 0;
    for (_, value) in column.iter() {
        buffer[count] = value as i64;
        count += 1;
    }
    let values = &mut buffer[..count];
    let [first, others @ ..] = &*values else { return ABSENT };

    let mut nibble = 0;
    if column.present != days {
        nibble |= GAPS;
        put_gaps(days, column.present, out);
    }
    if others.iter().all(|value| value == first) {
        bits::put_varint(bits::zigzag(*first), out);
        return nibble | CONSTANT;
    }
    if values.iter().all(|value| value % 1000 == 0) {
        nibble |= THOUSANDS;
        values.iter_mut().for_each(|value| *value /= 1000);
    }

    let (least, offsets) = from_least(values.iter().copied());
    let (least_delta, deltas) = from_least(values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
    let widest = |numbers: &[u64]| numbers.iter().copied().map(bits::width).max().unwrap_or(0);
    let (offset_width, delta_width) = (widest(&offsets[..count]), widest(&deltas[..count - 1]));
    let varint = |value: i64| bits::varint_len(bits::zigzag(value));
    let offsets_len = varint(least) + bits::packed_len(count, offset_width);
    let deltas_len = varint(values[0]) + varint(least_delta) + bits::packed_len(count - 1, delta_width);
    if offsets_len <= deltas_len {
        bits::put_varint(bits::zigzag(least), out);
        out.push(offset_width);
        bits::pack(&offsets[..count], offset_width, out);
        nibble | OFFSETS
    } else {
        bits::put_varint(bits::zigzag(values[0]), out);
        bits::put_varint(bits::zigzag(least_delta), out);
        out.push(delta_width);
        bits::pack(&deltas[..count - 1], delta_width, out);
        nibble | DELTAS
    }
}

/// The least number, and by how much each exceeds it.
fn from_least(numbers: impl Iterator<Item = i64> + Clone) -> (i64, [u64; SLOTS]) {
    let least = numbers.clone().min().unwrap_or(0);
    let mut more = [0; SLOTS];
    more.iter_mut().zip(numbers).for_each(|(more, number)| *more = number.wrapping_sub(least) as u64);
    (least, more)
}

/// The head of a column; the packed numbers follow it.
struct ColumnHead {
    present: u32,
    base: u64,
    least_delta: u64,
    width: u8,
    /// How many packed numbers follow.
    packed: usize,
}

fn column_head(days: u32, nibble: u8, input: &mut &[u8]) -> Result<ColumnHead, ChunkError> {
    let present = if nibble & GAPS == 0 { days } else { take_gaps(days, input).ok_or(CUT_OFF)? };
    let count = present.count_ones() as usize;
    let mut signed = || bits::take_varint(input).map(|number| bits::unzigzag(number) as u64).ok_or(CUT_OFF);
    let (base, least_delta) = (signed()?, if nibble & FORM == DELTAS { signed()? } else { 0 });
    let packed = match nibble & FORM {
        CONSTANT => 0,
        OFFSETS => count,
        _ => count.checked_sub(1).ok_or(ChunkError("a column of nothing"))?,
    };
    let mut width = 0;
    if nibble & FORM != CONSTANT {
        (width, *input) = input.split_first().map(|(width, rest)| (*width, rest)).ok_or(CUT_OFF)?;
    }
    if width > 64 {
        return Err(ChunkError("an impossible width"));
    }
    Ok(ColumnHead { present, base, least_delta, width, packed })
}

pub(super) fn skip_column(days: u32, nibble: u8, input: &mut &[u8]) -> Result<(), ChunkError> {
    if nibble & FORM == ABSENT {
        return Ok(());
    }
    let head = column_head(days, nibble, input)?;
    *input = input.get(bits::packed_len(head.packed, head.width)..).ok_or(CUT_OFF)?;
    Ok(())
}

pub(super) fn decode_column(days: u32, nibble: u8, input: &mut &[u8], column: &mut Days) -> Result<(), ChunkError> {
    if nibble & FORM == ABSENT {
        return Ok(());
    }
    let head = column_head(days, nibble, input)?;
    let mut packed = [0u64; SLOTS];
    bits::unpack(input, head.width, &mut packed[..head.packed]).ok_or(CUT_OFF)?;
    column.present = head.present;
    let scale = if nibble & THOUSANDS == 0 { 1 } else { 1000 };
    let mut value = head.base;
    for (at, day) in set_bits(head.present).enumerate() {
        match nibble & FORM {
            OFFSETS => value = head.base.wrapping_add(packed[at]),
            DELTAS if at > 0 => value = value.wrapping_add(head.least_delta).wrapping_add(packed[at - 1]),
            _ => {}
        }
        column.values[usize::from(day)] = value.wrapping_mul(scale);
    }
    Ok(())
}

/// Appends a bit for each day of the chunk: whether the column has a value on it.
fn put_gaps(days: u32, present: u32, out: &mut Vec<u8>) {
    let bitmap = set_bits(days).enumerate().fold(0u32, |bitmap, (at, day)| bitmap | (present >> day & 1) << at);
    out.extend_from_slice(&bitmap.to_le_bytes()[..gaps_len(days)]);
}

fn take_gaps(days: u32, input: &mut &[u8]) -> Option<u32> {
    let (bytes, rest) = input.split_at_checked(gaps_len(days))?;
    *input = rest;
    let bitmap = bytes.iter().rev().fold(0u32, |bitmap, byte| bitmap << 8 | u32::from(*byte));
    Some(set_bits(days).enumerate().fold(0, |present, (at, day)| present | (bitmap >> at & 1) << day))
}

fn gaps_len(days: u32) -> usize {
    (days.count_ones() as usize).div_ceil(8)
}

pub(super) fn set_bits(mut bits: u32) -> impl Iterator<Item = u8> + Clone {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (lowest < 32).then_some(lowest as u8)
    })
}
