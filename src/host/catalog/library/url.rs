//! As much of web addresses as a package index asks for.

/// What a link on a page leads to.
pub(super) fn join(page: &str, link: &str) -> String {
    let Some((scheme, rest)) = page.split_once("://") else { return link.to_owned() };
    if link.split(['/', '?']).next().is_some_and(|first| first.contains(':')) {
        return link.to_owned();
    }
    if let Some(rest) = link.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let folders = if link.starts_with('/') { "" } else { path.rsplit_once('/').map_or("", |(above, _)| above) };
    let mut parts: Vec<&str> = folders.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.trim_start_matches('/').split('/') {
        match part {
            ".." => _ = parts.pop(),
            "." => {}
            _ => parts.push(part),
        }
    }
    format!("{scheme}://{host}/{}", parts.join("/"))
}

/// Scheme, login, host with its port, and the path from its slash on.
pub(super) fn parts(url: &str) -> Option<(&str, Option<&str>, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (login, host) = authority.rsplit_once('@').map_or((None, authority), |(login, host)| (Some(login), host));
    Some((scheme, login, host, path))
}

/// The address with the name and password of another on the same host, which an index asks for its files too.
pub(super) fn with_login_of(other: &str, address: &str) -> String {
    match (parts(other), parts(address)) {
        (Some((scheme, Some(login), host, _)), Some(same)) if (same.0, same.1, same.2) == (scheme, None, host) => {
            address.replacen("://", &format!("://{login}@"), 1)
        }
        _ => address.to_owned(),
    }
}

/// The address as it may be shown: without a password.
pub(super) fn shown(address: &str) -> String {
    let without = |(scheme, _, host, path)| format!("{scheme}://{host}{path}");
    parts(address).map_or_else(|| address.to_owned(), without)
}

/// Without `%2B` and the like.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_has_no_password() {
        assert_eq!(shown("https://me:word@host/simple"), "https://host/simple");
        assert_eq!(shown("https://host"), "https://host");
    }

    #[test]
    fn decoded_keeps_text_that_is_not_an_escape() {
        assert_eq!(decoded("a%2Bb%zz%"), "a+b%zz%");
    }
}
