//! WebAssembly files as sections, to change what is in one without breaking the lengths around it.

use fastrand::Rng;

/// Magic and version.
const PREAMBLE: usize = 8;
/// The section of a component that holds a core module, which is a file of sections itself.
const CORE_MODULE: u8 = 1;

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A number and the bytes behind it.
fn unleb(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0usize;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

/// The sections: id and content. A length that lies takes what there is.
pub(crate) fn sections(file: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = file.get(PREAMBLE..).unwrap_or_default();
    while let Some((id, (len, content))) = rest.split_first().and_then(|(id, rest)| Some((*id, unleb(rest)?)))
    {
        let (content, behind) = content.split_at(len.min(content.len()));
        found.push((id, content.to_vec()));
        rest = behind;
    }
    found
}

/// The file of these sections.
pub(crate) fn file(preamble: &[u8], sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = preamble.to_vec();
    for (id, content) in sections {
        file.push(*id);
        file.extend(leb(content.len()));
        file.extend_from_slice(content);
    }
    file
}

/// Changes one section, or their order, and writes lengths that fit.
pub(crate) fn rearrange(bytes: &[u8], random: &mut Rng) -> Vec<u8> {
    let Some(preamble) = bytes.get(..PREAMBLE) else { return bytes.to_vec() };
    let mut sections = sections(bytes);
    if sections.is_empty() {
        return bytes.to_vec();
    }
    let at = random.usize(..sections.len());
    let other = random.usize(..sections.len());
    match random.u8(..8) {
        0 => drop(sections.remove(at)),
        1 => sections.insert(other, sections[at].clone()),
        2 => sections.swap(at, other),
        _ if sections[at].0 == CORE_MODULE && sections[at].1.len() > PREAMBLE => {
            sections[at].1 = rearrange(&sections[at].1, random);
        }
        _ => {
            let with = sections[other].1.clone();
            let most = 2 * sections[at].1.len() + 64;
            crate::mutate::mutate(&mut sections[at].1, &with, &[], random, most);
        }
    }
    file(preamble, &sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_as_it_was_read() {
        let parts = [(0, vec![1; 3]), (CORE_MODULE, vec![2; 200]), (7, Vec::new()), (11, vec![3; 20_000])];
        let bytes = file(b"\0asm\x0d\0\x01\0", &parts);
        assert_eq!(sections(&bytes), parts);
    }
}
