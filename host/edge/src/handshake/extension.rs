//! Agreeing on permessage-deflate (RFC 7692, 7.1).

/// The extension's name.
const NAME: &str = "permessage-deflate";

/// The answer to the client's offers, in its order of preference; none when no offer can be met.
///
/// The answer always rules out context takeover in both directions: one compressed form is shared by a room, and
/// no connection may hold a window. A server may demand both whether they were offered or not.
#[must_use]
pub fn agree<'h>(headers: impl Iterator<Item = &'h str>) -> Option<String> {
    headers.flat_map(split_offers).find_map(|offer| answer(&offer))
}

/// Cuts a header's value at the commas that stand outside of quotes.
fn split_offers(header: &str) -> Vec<String> {
    let mut offers = vec![String::new()];
    let mut quoted = false;
    for c in header.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                offers.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(offer) = offers.last_mut() {
            offer.push(c);
        }
    }
    offers
}

fn answer(offer: &str) -> Option<String> {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let mut answer = format!("{NAME}; server_no_context_takeover; client_no_context_takeover");
    let mut seen: Vec<String> = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (part, None),
        };
        let name = name.to_ascii_lowercase();
        // An offer with a parameter twice, unknown, or of an impossible value is declined as a whole.
        if seen.contains(&name) {
            return None;
        }
        match (name.as_str(), value) {
            // A smaller window for our direction cannot be met: the room's form is compressed for all with 15 bits.
            ("server_max_window_bits", Some("15")) => answer.push_str("; server_max_window_bits=15"),
            // `client_max_window_bits` hints that the client could keep its own window small: the inflater takes any.
            (
                "server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits",
                None,
            )
            | ("client_max_window_bits", Some("8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")) => {}
            _ => return None,
        }
        seen.push(name);
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::agree;

    const BOTH: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn offers_are_met_as_the_standard_says_or_declined() {
        let with_bits = format!("{BOTH}; server_max_window_bits=15");
        for (offers, expected) in [
            (vec!["permessage-deflate"], Some(BOTH)),
            (vec!["permessage-deflate; client_max_window_bits"], Some(BOTH)),
            (vec!["permessage-deflate;client_max_window_bits=\"9\""], Some(BOTH)),
            (vec!["PerMessage-Deflate ; server_no_context_takeover"], Some(BOTH)),
            (vec!["permessage-deflate; server_max_window_bits=15"], Some(&with_bits)),
            (vec!["permessage-deflate; server_max_window_bits=10, permessage-deflate"], Some(BOTH)),
            (vec!["x-webkit-deflate-frame", "permessage-deflate"], Some(BOTH)),
            (vec!["permessage-deflate; server_max_window_bits=10"], None),
            (vec!["permessage-deflate; server_max_window_bits"], None),
            (vec!["permessage-deflate; client_max_window_bits=16"], None),
            (vec!["permessage-deflate; client_max_window_bits=08"], None),
            (vec!["permessage-deflate; client_max_window_bits=7"], None),
            (vec!["permessage-deflate; client_max_window_bits; client_max_window_bits"], None),
            (vec!["permessage-deflate; server_no_context_takeover=1"], None),
            (vec!["permessage-deflate; unknown"], None),
            (vec!["permessage-deflate; x=\"a,b\""], None),
            (vec!["", ";", ",,", "bzip"], None),
            (vec![], None),
        ] {
            assert_eq!(agree(offers.iter().copied()).as_deref(), expected, "{offers:?}");
        }
    }
}
