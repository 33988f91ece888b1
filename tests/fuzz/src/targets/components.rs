//! Component files, their signatures, trusted keys, and machine code in the cache.
//!
//! The first byte says what the rest is: a component's file, a signature's text, a public key's text, or changes to
//! the machine code in the cache and its sum (five bytes each: where, and what is flipped there).

use std::collections::HashMap;
use std::path::PathBuf;

use bytes::Bytes;
use fastrand::Rng;
use minisign::KeyPair;
use ringside_ports::releases::{Release, World};
use ringside_wasm::{ComponentHost, TrustedKey, digest_of, verify};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::stage::components::{HOSTILE, file, host, slot};
use crate::stage::{folder, runtime, wasm};
use crate::{Shape, Target};

/// Longest refusal: a sentence, and what the engine says of a function.
const DETAIL_BYTES_MAX: usize = 4_096;
/// Small components: what is still valid is compiled, and that takes its time by the byte.
const SMALL: [&str; 3] =
    ["throttle-bad-decisions.wasm", "throttle-panics.wasm", "moderator-fails-examples.wasm"];
const FILE: u8 = 0;
const SIGNATURE: u8 = 1;
const KEY: u8 = 2;
const COMPILED: u8 = 3;

pub(super) struct Components {
    host: ComponentHost,
    runtime: Runtime,
    /// What was signed, the key, and its signature.
    signed: (Bytes, TrustedKey, String, String),
    /// A component that passes, its machine code and its sum in the cache.
    good: Bytes,
    code: (PathBuf, Vec<u8>),
    sum: (PathBuf, Vec<u8>),
    _folder: TempDir,
}

impl Components {
    pub(super) fn start() -> Self {
        let (runtime, folder) = (runtime(), folder());
        let good = file(HOSTILE, "throttle-panics.wasm");
        let cache = folder.path().join("kept");
        // Another host than the one that is asked: that one keeps what is at work, and would not look.
        runtime.block_on(host(&cache).prepare(&release(&good), &files(&good))).unwrap();
        let find = |extension: &str| {
            let mut paths = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
            let path = paths.find(|path| path.extension().is_some_and(|found| found == extension)).unwrap();
            let content = std::fs::read(&path).unwrap();
            (path, content)
        };
        let (code, sum) = (find("cwasm"), find("sha256"));
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let public = pair.pk.to_box().unwrap().to_string();
        let signature =
            minisign::sign(Some(&pair.pk), &pair.sk, &good[..], Some("words.wasm"), None).unwrap();
        let key = TrustedKey::parse(&public).unwrap();
        let signed = (good.clone(), key, public, signature.into_string());
        Self { host: host(&cache), runtime, signed, good, code, sum, _folder: folder }
    }

    fn take_file(&self, bytes: &[u8]) -> Shape {
        match self.host.check(bytes, "") {
            Ok(checked) => {
                assert_eq!((checked.bytes, &checked.digest), (bytes.len(), &digest_of(bytes)));
                Shape::default().with(checked.world as u8).with_count(checked.imports.len())
            }
            Err(error) => {
                let text = error.to_string();
                assert!(!text.is_empty() && text.len() <= DETAIL_BYTES_MAX, "{} bytes: {text}", text.len());
                Shape::default().with(std::mem::discriminant(&error)).with_message(&text)
            }
        }
    }

    fn take_signature(&self, text: &str) -> Shape {
        let (file, key, _, signature) = &self.signed;
        let trusted = std::slice::from_ref(key);
        match verify(file, text, trusted) {
            Ok(id) => {
                assert_eq!(id, key.id());
                // The untrusted comment is anyone's to write; the three lines behind it are signed.
                let lines =
                    |text: &str| text.lines().skip(1).map(|l| l.trim().to_owned()).collect::<Vec<_>>();
                assert_eq!(lines(text)[..3], lines(signature)[..3], "another signature passes: {text}");
                let other = verify(b"another file", text, trusted).unwrap_err();
                assert!(other.to_string().contains("does not fit the file"));
                assert!(verify(file, text, &[]).is_err());
                Shape::default().with(true)
            }
            Err(error) => {
                let text = error.to_string();
                assert!(!text.is_empty() && text.len() <= DETAIL_BYTES_MAX);
                Shape::default().with_message(&text)
            }
        }
    }

    fn take_key(&self, text: &str) -> Shape {
        let (file, _, _, signature) = &self.signed;
        match TrustedKey::parse(text) {
            Ok(key) => {
                assert_eq!(key.id().len(), 16);
                Shape::default().with(verify(file, signature, &[key]).is_ok())
            }
            Err(error) => Shape::default().with_message(&error.to_string()),
        }
    }

    /// Machine code that is not what was compiled is never run: it is made anew where the file is there, and missing
    /// where it is not.
    fn take_compiled(&self, changes: &[u8]) -> Shape {
        let (mut code, mut sum) = (self.code.1.clone(), self.sum.1.clone());
        let cut = changes.first().is_some_and(|first| *first == 0xff);
        for change in changes.chunks_exact(5) {
            let at = u32::from_le_bytes(change[..4].try_into().unwrap()) as usize;
            // A share of the changes goes to the sum.
            let place = if at.is_multiple_of(4) { &mut sum } else { &mut code };
            let at = at % place.len().max(1);
            if cut {
                place.truncate(at);
            } else if let Some(byte) = place.get_mut(at) {
                *byte ^= change[4];
            }
        }
        std::fs::write(&self.code.0, &code).unwrap();
        std::fs::write(&self.sum.0, &sum).unwrap();
        let whole = code == self.code.1 && sum.trim_ascii() == self.sum.1.trim_ascii();
        let prepared = self.runtime.block_on(self.host.prepare(&release(&self.good), &HashMap::new()));
        match prepared {
            Ok(_) => assert!(whole, "machine code that was changed is run"),
            Err(error) => {
                assert!(!whole, "{error}");
                assert!(error.to_string().contains("neither compiled here nor given"), "{error}");
            }
        }
        Shape::default().with(whole).with(code.len() == self.code.1.len()).with(sum == self.sum.1)
    }
}

fn release(file: &Bytes) -> Release {
    let slots = vec![slot("throttle", World::Throttle, digest_of(file), "")];
    Release { number: 1, slots, at_ms: 0, by: "fuzz".into(), note: String::new() }
}

fn files(file: &Bytes) -> HashMap<ringside_ports::releases::Digest, Bytes> {
    HashMap::from([(digest_of(file), file.clone())])
}

impl Target for Components {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds: Vec<Vec<u8>> =
            SMALL.iter().map(|name| [&[FILE], &file(HOSTILE, name)[..]].concat()).collect();
        seeds.push([&[FILE], b"\0asm\x0d\0\x01\0".as_slice()].concat());
        seeds.push([&[FILE], b"\0asm\x01\0\0\0".as_slice()].concat());
        let (_, _, key, signature) = &self.signed;
        seeds.push([&[SIGNATURE], signature.as_bytes()].concat());
        seeds.push([&[KEY], key.as_bytes()].concat());
        seeds.extend([vec![COMPILED], vec![COMPILED, 1, 0, 0, 0, 1], vec![COMPILED, 4, 0, 0, 0, 1]]);
        seeds
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            b"\0asm\x0d\0\x01\0",
            b"\0asm\x01\0\0\0",
            b"ringside:edge/host@0.1.0",
            b"ringside:edge/types@0.1.0",
            b"@0.2.0",
            b"wasi:cli/environment@0.2.0",
            b"describe",
            b"configure",
            b"judge",
            b"admit",
            b"plan",
            b"encode",
            b"decode",
            b"examples",
            b"cabi_realloc",
            b"memory",
            b"\xff\xff\xff\xff\x0f",
            b"\x80\x80\x80\x80\x08",
            b"\n",
            b"untrusted comment: ",
            b"trusted comment: ",
            b"RWQ",
            b"RUQ",
            b"====",
        ]
    }

    fn bytes_max(&self) -> usize {
        128 << 10
    }

    fn mend(&mut self, input: &mut Vec<u8>, random: &mut Rng) {
        if let Some((FILE, bytes)) = input.split_first().map(|(kind, bytes)| (kind % 4, bytes)) {
            *input = [vec![FILE], wasm::rearrange(bytes, random)].concat();
        }
    }

    fn take(&mut self, input: &[u8]) -> Shape {
        let Some((kind, rest)) = input.split_first() else { return Shape::default() };
        let shape = match kind % 4 {
            FILE => self.take_file(rest),
            SIGNATURE => self.take_signature(&String::from_utf8_lossy(rest)),
            KEY => self.take_key(&String::from_utf8_lossy(rest)),
            _ => self.take_compiled(rest),
        };
        shape.with(kind % 4)
    }
}
