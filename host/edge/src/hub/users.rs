//! Who is connected to a shard, once for each identity, however many connections it has.
//!
//! 90 bytes a user: id and name in one allocation, no table of handles or ids but two maps of hashes to the
//! first entry of a chain.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use ringside_core::{Author, Role, StreamId, UserId};
use slab::Slab;

use crate::auth::Identity;

/// No user, no slot: the end of a chain.
pub(crate) const NONE: u32 = u32::MAX;

/// One identity.
#[derive(Debug)]
pub(crate) struct User {
    /// The id, then the name.
    text: Box<str>,
    id_len: u8,
    role: Role,
    member: bool,
    /// Streams its token is for.
    streams: Option<Box<[StreamId]>>,
    connections: u32,
    /// First slot of the chain of its connections.
    pub(crate) first_slot: u32,
    /// Next with the same hash of id.
    next_by_id: u32,
    /// Next with the same hash of handle.
    next_by_handle: u32,
}

impl User {
    /// The id.
    #[must_use]
    pub(crate) fn id(&self) -> &str {
        self.text.get(..usize::from(self.id_len)).unwrap_or("")
    }

    /// The name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        self.text.get(usize::from(self.id_len)..).unwrap_or("")
    }

    /// The role.
    #[must_use]
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// As comments carry it. None never happens: the id was one when it came in.
    #[must_use]
    pub(crate) fn author(&self) -> Option<Author> {
        let id = UserId::new(self.id()).ok()?;
        Some(Author { id, name: self.name().to_owned(), role: self.role, member: self.member })
    }

    /// Streams the token is for, where it names any.
    #[must_use]
    pub(crate) fn streams(&self) -> Option<&[StreamId]> {
        self.streams.as_deref()
    }

    /// True where the token is for this stream.
    #[must_use]
    pub(crate) fn allows(&self, stream: &StreamId) -> bool {
        self.streams.as_ref().is_none_or(|streams| streams.contains(stream))
    }

    fn is(&self, identity: &Identity) -> bool {
        let Author { id, name, role, member } = &identity.author;
        self.id() == id.as_str()
            && self.name() == name
            && self.role == *role
            && self.member == *member
            && self.streams == identity.streams
    }
}

/// A hash that is one already.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Heads = HashMap<u64, u32, BuildHasherDefault<AsIs>>;

/// The users of one shard.
#[derive(Debug, Default)]
pub(crate) struct Users {
    users: Slab<User>,
    by_id: Heads,
    by_handle: Heads,
    /// Keyed anew in each process, so that nobody can choose ids that collide.
    hash: RandomState,
}

impl Users {
    /// A user by index.
    #[must_use]
    pub(crate) fn get(&self, index: u32) -> Option<&User> {
        self.users.get(at(index))
    }

    /// A user by index, to chain slots.
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut User> {
        self.users.get_mut(at(index))
    }

    /// The index of an identity, with one connection more.
    pub(crate) fn connect(&mut self, identity: Identity) -> u32 {
        let id_hash = self.hash.hash_one(identity.author.id.as_str());
        let mut index = self.by_id.get(&id_hash).copied().unwrap_or(NONE);
        while let Some(user) = self.users.get_mut(at(index)) {
            if user.is(&identity) {
                user.connections += 1;
                return index;
            }
            index = user.next_by_id;
        }
        let handle_hash = self.hash.hash_one(identity.author.handle());
        let Author { id, name, role, member } = identity.author;
        let vacant = self.users.vacant_entry();
        // A shard has at most as many users as slots, and slots are fewer than 2^32 by the limit on descriptors.
        let index = u32::try_from(vacant.key()).unwrap_or(NONE);
        vacant.insert(User {
            id_len: u8::try_from(id.as_str().len()).unwrap_or(0),
            text: [id.as_str(), name.as_str()].concat().into_boxed_str(),
            role,
            member,
            streams: identity.streams,
            connections: 1,
            first_slot: NONE,
            next_by_id: self.by_id.insert(id_hash, index).unwrap_or(NONE),
            next_by_handle: self.by_handle.insert(handle_hash, index).unwrap_or(NONE),
        });
        index
    }

    /// One connection less; the last one takes the user along.
    pub(crate) fn disconnect(&mut self, index: u32) {
        let Some(user) = self.users.get_mut(at(index)) else { return };
        user.connections = user.connections.saturating_sub(1);
        if user.connections > 0 {
            return;
        }
        let id_hash = self.hash.hash_one(user.id());
        let handle_hash = self.hash.hash_one(ringside_core::text::handle(user.name()));
        let Self { users, by_id, by_handle, .. } = self;
        unchain(by_id, id_hash, index, users, |user| &mut user.next_by_id);
        unchain(by_handle, handle_hash, index, users, |user| &mut user.next_by_handle);
        users.remove(at(index));
        // A crowd that has left must not keep its tables.
        if by_id.capacity() > 64 && by_id.len() < by_id.capacity() / 8 {
            by_id.shrink_to_fit();
            by_handle.shrink_to_fit();
        }
    }

    /// All identities of a user id.
    pub(crate) fn with_id<'u>(&'u self, id: &'u str) -> impl Iterator<Item = &'u User> {
        let head = self.by_id.get(&self.hash.hash_one(id)).copied();
        self.chain(head, |user| user.next_by_id).filter(move |user| user.id() == id)
    }

    /// All users that `@handle` reaches.
    pub(crate) fn with_handle<'u>(&'u self, handle: &'u str) -> impl Iterator<Item = &'u User> {
        let head = self.by_handle.get(&self.hash.hash_one(handle)).copied();
        self.chain(head, |user| user.next_by_handle)
            .filter(move |user| ringside_core::text::handle(user.name()) == handle)
    }

    fn chain(&self, head: Option<u32>, next: fn(&User) -> u32) -> impl Iterator<Item = &User> {
        std::iter::successors(head.and_then(|index| self.get(index)), move |user| self.get(next(user)))
    }
}

fn at(index: u32) -> usize {
    index as usize
}

fn unchain(
    heads: &mut Heads,
    hash: u64,
    index: u32,
    users: &mut Slab<User>,
    next: fn(&mut User) -> &mut u32,
) {
    let after = users.get_mut(at(index)).map_or(NONE, |user| *next(user));
    let Entry::Occupied(mut head) = heads.entry(hash) else { return };
    if *head.get() == index {
        if after == NONE {
            head.remove();
        } else {
            head.insert(after);
        }
        return;
    }
    let mut before = *head.get();
    while let Some(user) = users.get_mut(at(before)) {
        let link = next(user);
        if *link == index {
            *link = after;
            return;
        }
        before = *link;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(id: &str, name: &str, role: Role) -> Identity {
        let author = Author { id: UserId::new(id).unwrap(), name: name.to_owned(), role, member: false };
        Identity { author, expires_at_ms: 0, streams: None }
    }

    fn ids<'a>(users: impl Iterator<Item = &'a User>) -> Vec<String> {
        let mut ids: Vec<String> =
            users.map(|user| format!("{}:{}", user.id(), user.role().as_str())).collect();
        ids.sort();
        ids
    }

    #[test]
    fn a_user_is_kept_once_and_goes_with_the_last_connection() {
        let mut users = Users::default();
        let ann = users.connect(identity("u1", "Ann", Role::Viewer));
        assert_eq!(users.connect(identity("u1", "Ann", Role::Viewer)), ann);
        let moderator = users.connect(identity("u1", "Ann", Role::Moderator));
        let other = users.connect(identity("u2", "a n n", Role::Viewer));
        assert_eq!(users.users.len(), 3);
        assert_eq!(ids(users.with_id("u1")), ["u1:moderator", "u1:viewer"]);
        assert_eq!(ids(users.with_handle("ann")), ["u1:moderator", "u1:viewer", "u2:viewer"]);
        let author = users.get(moderator).unwrap().author().unwrap();
        assert_eq!((author.name.as_str(), author.role), ("Ann", Role::Moderator));

        users.disconnect(ann);
        assert_eq!(ids(users.with_id("u1")), ["u1:moderator", "u1:viewer"]);
        users.disconnect(ann);
        assert_eq!(ids(users.with_id("u1")), ["u1:moderator"]);
        assert_eq!(ids(users.with_handle("ann")), ["u1:moderator", "u2:viewer"]);
        users.disconnect(other);
        users.disconnect(moderator);
        assert!(users.users.is_empty());
        assert_eq!(ids(users.with_handle("ann")).len(), 0);
    }

    #[test]
    fn a_crowd_that_left_leaves_no_tables_behind() {
        let mut users = Users::default();
        let crowd: Vec<u32> =
            (0..5_000).map(|n| users.connect(identity(&format!("u{n}"), "same", Role::Viewer))).collect();
        assert_eq!(users.with_handle("same").count(), 5_000);
        for user in crowd {
            users.disconnect(user);
        }
        assert!(users.users.is_empty() && users.by_id.is_empty() && users.by_handle.is_empty());
        assert!(users.by_id.capacity() <= 64, "{}", users.by_id.capacity());
    }

    #[test]
    fn an_entry_stays_small() {
        assert!(size_of::<User>() <= 64, "{}", size_of::<User>());
    }
}
