//! Takes names of hosts apart.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a host is named, or addressed by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A name.
    Name,
    /// A number in the public network.
    Public,
    /// A number of one's own machine or network.
    Private,
}

/// Splits off `:8080`; tells whether there was one.
pub(super) fn without_port(host: &str) -> (&str, bool) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, true)
        }
        Some((name, "")) => (name, false),
        _ => (host, false),
    }
}

/// Splits off `www.`, which folding cuts to `ww.`; tells whether there was one.
pub(super) fn without_www(host: &str) -> (&str, bool) {
    for prefix in ["www.", "ww."] {
        if let Some(name) = host.strip_prefix(prefix).filter(|name| name.contains('.')) {
            return (name, true);
        }
    }
    (host, false)
}

/// The last label of a well-formed name of two labels or more.
pub(super) fn ending(name: &str) -> Option<&str> {
    /// Longest label and longest name of the domain name system.
    const LABEL_MAX: usize = 63;
    const NAME_MAX: usize = 253;
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let (rest, ending) = name.rsplit_once('.')?;
    let ending_is_name = ending.chars().count() >= 2 && !ending.bytes().any(|byte| byte.is_ascii_digit());
    let is_name = name.len() <= NAME_MAX && rest.split('.').all(is_label) && is_label(ending);
    (is_name && (ending_is_name || ending.starts_with("xn--"))).then_some(ending)
}

/// Tells numbers from names. Only after a scheme are the odd forms read as browsers do (`http://3232235777`,
/// `http://0x7f000001`): elsewhere they are numbers in a sentence.
pub(super) fn address(host: &str, has_scheme: bool) -> Address {
    // A look that spares nearly all names four attempts to read them as numbers.
    if !host.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'x' | b'[' | b']'))
    {
        return Address::Name;
    }
    let odd = || -> Option<Ipv4Addr> {
        let number = match host.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => host.parse().ok()?,
        };
        Some(Ipv4Addr::from(number))
    };
    let four = host.parse().ok().or_else(|| if has_scheme { odd() } else { None });
    if let Some(address) = four {
        return if is_private(address) { Address::Private } else { Address::Public };
    }
    match unbracketed(host).parse::<Ipv6Addr>() {
        Ok(address) if address.is_loopback() || address.is_unique_local() => Address::Private,
        Ok(_) => Address::Public,
        Err(_) => Address::Name,
    }
}

/// An address of version 6 without the brackets that links put around it.
pub(super) fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn is_private(address: Ipv4Addr) -> bool {
    address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified()
}
