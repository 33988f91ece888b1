//! After a crash: what of the last segment is kept, what is cut, and what is kept though it is damaged.
//!
//! A process that is killed leaves the beginning of its last group; a machine that loses power leaves any sectors of
//! it, the others zero. Nobody was told of that group, so it is cut from its first torn record on. Everything else that
//! cannot be read is damage to what may have been acknowledged, and is never cut. Three things tell them apart:
//!
//! 1. *A later group.* Groups are written in order, each only after the one before it is durable, and every record says
//!    where its group began: all before that place was acknowledged.
//! 2. *The mark* ([`super::mark`]). It is written after the sync of a group and before its answers, without a sync of
//!    its own: all before it was acknowledged. It covers the last group too, unless the power went within a second of
//!    it.
//! 3. *The form*, for the rest: a torn write misses the end of the file, or whole sectors of it are zero. A changed bit
//!    does neither.
//!
//! So a place is cut when neither a later group nor the mark covers it *and* it has the form of a torn write. Otherwise
//! the segment stays as it is, the log goes on in a new one behind all offsets that may have been given out, and reads
//! over the damage are told ([`ringside_ports::error::PortErrorKind::Corrupt`]) while those before and behind it work.
//! Segments before the last are not read at the start; their damage is met by the read that comes to it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::damage::{self, Damage, Expected};
use super::header::{End, HEADER, HEADER_END, Header, Owner, Unreadable, VERSION};
use super::record::{self, HEAD};
use super::segment::{Index, Segment};
use crate::{OpenError, files};

/// What the last segment holds after recovery.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) end: End,
    pub(super) index: Index,
}

/// What is to be recovered.
pub(super) struct Task<'a> {
    pub(super) folder: &'a Path,
    pub(super) owner: Owner,
    /// Offsets below it were used: new records get no lower one.
    pub(super) least: u64,
    /// What the mark says.
    pub(super) mark: Option<End>,
    pub(super) now_ms: u64,
}

impl Task<'_> {
    fn unusable(&self) -> impl Fn(std::io::Error) -> OpenError {
        |source| OpenError::Folder { path: self.folder.into(), source }
    }

    fn begin(&self, first: u64, before: End) -> Result<(Segment, Recovered), OpenError> {
        let header = Header { owner: self.owner, first, begun_ms: self.now_ms, before };
        let segment = Segment::create(self.folder, header).map_err(self.unusable())?;
        let end = End { first, length: HEADER_END, next: first };
        Ok((segment, Recovered { end, index: Index::default() }))
    }

    /// The segments of the folder, whole again, with what the last one holds; there is at least one.
    ///
    /// # Errors
    /// [`OpenError::Foreign`] and [`OpenError::Version`] for a file that is no segment of this partition.
    pub(super) fn recover(self) -> Result<(VecDeque<Segment>, Recovered), OpenError> {
        let mut segments = self.segments()?;
        let mut known: Vec<End> = self.mark.into_iter().collect();
        let (last, recovered) = loop {
            let Some(mut last) = segments.pop() else { break self.begin(self.least, End::default())? };
            let found = self.survey(&last, &known)?;
            if found.is_empty {
                known.extend(last.before);
                // Left over when it could not be begun whole: the one before it went on past it.
                let is_left_over = match segments.last() {
                    Some(before) => self.survey(before, &known)?.end.next > last.first,
                    None => false,
                };
                if !is_left_over && last.before.is_some() && last.first >= self.least {
                    found.cut(&last).map_err(self.unusable())?;
                    break (last, Recovered { end: found.end, index: found.index });
                }
                std::fs::remove_file(&last.path).map_err(self.unusable())?;
                files::sync_folder(self.folder).map_err(self.unusable())?;
                continue;
            }
            if found.is_damaged {
                last.end = Some(found.end);
                segments.push(last);
                break self.begin(found.end.next.max(self.least), found.end)?;
            }
            found.cut(&last).map_err(self.unusable())?;
            if found.end.next >= self.least {
                break (last, Recovered { end: found.end, index: found.index });
            }
            // Consumers have been further than what is left (a segment was moved away, or the disk lost what it had
            // promised). Offsets must not be given out twice: they would skip the new records as known ones.
            tracing::warn!(
                folder = %self.folder.display(), from = found.end.next, to = self.least,
                "records that were read before are gone from the log, going on behind them"
            );
            last.end = Some(found.end);
            segments.push(last);
            break self.begin(self.least, found.end)?;
        };
        segments.push(last);
        let ends: Vec<_> = segments.iter().skip(1).map(|segment| segment.before).collect();
        for (segment, end) in segments.iter_mut().zip(ends) {
            // Where the one that followed is gone, nobody says how this one ended.
            segment.end = segment.end.or(end.filter(|end| end.first == segment.first));
        }
        Ok((segments.into(), recovered))
    }

    fn survey(&self, segment: &Segment, known: &[End]) -> Result<Survey, OpenError> {
        let of_this = known.iter().copied().filter(|end| end.first == segment.first);
        survey(segment, of_this.max_by_key(|end| end.length)).map_err(self.unusable())
    }

    /// The files, ascending, less those that were begun and never used.
    fn segments(&self) -> Result<Vec<Segment>, OpenError> {
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(self.folder).map_err(self.unusable())? {
            let path = entry.map_err(self.unusable())?.path();
            if let Some(first) = Segment::first_of(&path) {
                segments.push(self.open(first, path)?);
            }
        }
        segments.sort_unstable_by_key(|segment| segment.first);
        let ends: Vec<End> = segments.iter().filter_map(|segment| segment.before).chain(self.mark).collect();
        let last = segments.last().map(|last| last.first);
        let mut kept = Vec::new();
        for segment in segments {
            let length = segment.file.metadata().map_err(self.unusable())?.len();
            let is_begun = Some(segment.first) == last && segment.before.is_some() && length == HEADER_END;
            // One that held records must not go without a word, whatever became of its file.
            let was_used = ends.iter().any(|end| end.first == segment.first && end.next > end.first);
            if length > HEADER_END || is_begun || was_used {
                kept.push(segment);
            } else {
                std::fs::remove_file(&segment.path).map_err(self.unusable())?;
            }
        }
        Ok(kept)
    }

    /// One file.
    fn open(&self, first: u64, path: PathBuf) -> Result<Segment, OpenError> {
        let unusable = |source| OpenError::Folder { path: path.clone(), source };
        let file = std::fs::File::options().read(true).write(true).open(&path).map_err(unusable)?;
        let segment = Segment::new(path.clone(), file, first, self.now_ms, None);
        let reason = match Header::read(&segment.bytes(0, HEADER_END).map_err(unusable)?) {
            Ok(header) => {
                header.check(&path, self.owner, first)?;
                return Ok(Segment { begun_ms: header.begun_ms, before: Some(header.before), ..segment });
            }
            Err(reason) => reason,
        };
        let begin = segment.bytes(HEADER_END, (HEADER + record::BYTES_MAX) as u64).map_err(unusable)?;
        let is_ours = record::read(&begin, 0)
            .is_some_and(|read| read.record.offset == first && read.group == HEADER_END);
        match reason {
            Unreadable::Unwritten => Ok(segment),
            _ if is_ours => {
                tracing::error!(segment = %path.display(), "the segment's header is damaged, its records are read all the same");
                Ok(segment)
            }
            Unreadable::Version(found) => {
                Err(OpenError::Version { path, found: found.into(), expected: VERSION.into() })
            }
            Unreadable::Unknown => {
                Err(OpenError::Foreign { path, detail: "it does not begin as a segment does".into() })
            }
        }
    }
}

/// What a segment was found to hold.
struct Survey {
    end: End,
    index: Index,
    /// Bytes of the file; those behind the end are a torn tail.
    file_length: u64,
    is_empty: bool,
    is_damaged: bool,
}

impl Survey {
    /// Takes the torn tail off.
    fn cut(&self, segment: &Segment) -> std::io::Result<()> {
        if self.file_length <= self.end.length {
            return Ok(());
        }
        let bytes = self.file_length - self.end.length;
        tracing::warn!(segment = %segment.path.display(), position = self.end.length, bytes, "cut a torn tail");
        segment.file.set_len(self.end.length).and_then(|()| segment.file.sync_all())
    }
}

/// Goes through the whole of a last segment. `known` is where it had been acknowledged to, as far as is known.
fn survey(segment: &Segment, known: Option<End>) -> std::io::Result<Survey> {
    let bytes = segment.bytes(0, u64::MAX)?;
    let file_length = bytes.len() as u64;
    let rest =
        |position: u64| bytes.slice(usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len())..);
    let (mut position, mut offset, mut group) = (HEADER_END, segment.first, HEADER_END);
    let mut acknowledged = known.map_or(HEADER_END, |end| end.length);
    let mut index = Index::default();
    let mut damages: Vec<Damage> = Vec::new();
    loop {
        while let Some(read) = usize::try_from(position)
            .ok()
            .and_then(|at| record::read(&bytes, at))
            .filter(|read| read.record.offset == offset)
        {
            index.note(offset, position);
            group = read.group;
            acknowledged = acknowledged.max(group);
            position += read.size as u64;
            offset += 1;
        }
        if position >= file_length {
            break;
        }
        let damage = damage::behind(&rest(position), Expected { position, offset, group: Some(group) });
        damages.push(damage);
        let Some(resume) = damage.resume else { break };
        (position, offset) = resume;
    }
    let is_torn =
        |damage: &Damage| damage.position >= acknowledged && damage::is_torn(&rest(damage.position), *damage);
    let torn = damages.iter().position(is_torn);
    let cut = torn.and_then(|at| damages.get(at)).map(|damage| (damage.position, damage.offset));
    damages.truncate(torn.unwrap_or(damages.len()));
    let unreadable = if torn.is_some() { 0 } else { file_length.saturating_sub(position) };
    let (length, next) = cut.unwrap_or((position + unreadable, offset));
    // What cannot be read to the end held at most so many records behind those that are known of.
    let counted = known.map_or(position, |end| end.length.max(position));
    let most = file_length.saturating_sub(counted).div_ceil(HEAD as u64);
    let most = if unreadable > 0 { most } else { 0 };
    let next_known = known.map_or(0, |end| end.next);
    let is_short = next < next_known;
    for damage in &damages {
        tell(segment, *damage);
    }
    if is_short && damages.iter().all(|damage| damage.resume.is_some()) {
        tell(segment, Damage { position: length, offset: next, resume: None });
    }
    let end = End {
        first: segment.first,
        length: length.max(known.map_or(0, |end| end.length)),
        next: next.max(next_known) + most,
    };
    let is_damaged = !damages.is_empty() || is_short;
    let is_empty = !is_damaged && end.length <= HEADER_END;
    Ok(Survey { end, index, file_length, is_empty, is_damaged })
}

/// Says what cannot be read: the only sign of it until someone reads there.
fn tell(segment: &Segment, damage: Damage) {
    tracing::error!(
        segment = %segment.path.display(),
        position = damage.position,
        offset = damage.offset,
        resumes_at = damage.resume.map(|(_, offset)| offset),
        "acknowledged records are damaged; the segment is kept, the log goes on behind it: restore the segment from a copy"
    );
}
