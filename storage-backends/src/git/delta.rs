//! One version of an object as its difference to another one: what keeps a chain of commits small, in which each writes
//! the whole list of a folder again. Only what the two have in common at both ends is left out, which is all there is
//! to find where one line of a folder changes. The format is described in `gitformat-pack(5)`.

/// The longest part that one instruction copies.
const COPY: usize = 0xffff;

/// The longest part that one instruction brings along.
const INSERT: usize = 0x7f;

/// How to make `new` out of `old`.
pub(super) fn delta(old: &[u8], new: &[u8]) -> Vec<u8> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let mut out = Vec::with_capacity(new.len() - start - end + 32);
    size(&mut out, old.len());
    size(&mut out, new.len());
    copy(&mut out, 0, start);
    for part in new[start..new.len() - end].chunks(INSERT) {
        out.push(low(part.len()));
        out.extend_from_slice(part);
    }
    copy(&mut out, old.len() - end, end);
    out
}

/// Seven bits a byte, the lowest first.
fn size(out: &mut Vec<u8>, mut size: usize) {
    while size > 0x7f {
        out.push(low(size) | 0x80);
        size >>= 7;
    }
    out.push(low(size));
}

/// Offset and length without their bytes that are zero.
fn copy(out: &mut Vec<u8>, mut from: usize, mut length: usize) {
    while length > 0 {
        let part = length.min(COPY);
        let at = out.len();
        out.push(0x80);
        for (bit, byte) in [from, from >> 8, from >> 16, from >> 24, part, part >> 8].into_iter().map(low).enumerate() {
            if byte != 0 {
                out[at] |= 1 << bit;
                out.push(byte);
            }
        }
        from += part;
        length -= part;
    }
}

fn low(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As git applies it.
    fn apply(old: &[u8], mut delta: &[u8]) -> Vec<u8> {
        let mut byte = || {
            let (first, rest) = delta.split_first()?;
            delta = rest;
            Some(usize::from(*first))
        };
        let number = |byte: &mut dyn FnMut() -> Option<usize>| {
            let (mut number, mut shift) = (0, 0);
            loop {
                let next = byte().unwrap();
                number |= (next & 0x7f) << shift;
                shift += 7;
                if next & 0x80 == 0 {
                    return number;
                }
            }
        };
        assert_eq!(number(&mut byte), old.len());
        let length = number(&mut byte);
        let mut new = Vec::new();
        while let Some(code) = byte() {
            if code & 0x80 == 0 {
                assert_ne!(code, 0, "reserved");
                for _ in 0..code {
                    new.push(low(byte().unwrap()));
                }
                continue;
            }
            let mut part = [0; 7];
            for (bit, part) in part.iter_mut().enumerate() {
                if code & (1 << bit) != 0 {
                    *part = byte().unwrap();
                }
            }
            let from = part[0] | part[1] << 8 | part[2] << 16 | part[3] << 24;
            let length = part[4] | part[5] << 8 | part[6] << 16;
            new.extend_from_slice(&old[from..from + length]);
        }
        assert_eq!(new.len(), length);
        new
    }

    #[test]
    fn what_a_delta_makes_of_the_old_bytes_are_the_new_ones() {
        let long: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut middle = long.clone();
        middle.splice(70_000..70_010, [7; 500]);
        let cases: [(&[u8], &[u8]); 10] = [
            (b"", b""),
            (b"", b"new"),
            (b"old", b""),
            (b"same", b"same"),
            (b"aaaa", b"aaaaaa"),
            (b"aaaaaa", b"aaa"),
            (b"one two three", b"one 2 three"),
            (&long, &middle),
            (&middle, &long),
            (&long[..256], &long[..65_536]),
        ];
        for (old, new) in cases {
            assert_eq!(apply(old, &delta(old, new)), new, "{} to {} bytes", old.len(), new.len());
        }
        assert!(delta(&long, &middle).len() < 700);
    }
}
