//! The labels of pods, nodes and namespaces as texts of JSON.
//!
//! One set of labels is written in several ways, as it is where several programs write them: in another order, with blanks, with
//! characters beyond ASCII escaped. All are an object of texts; a few are NULL or without a label.

use super::cluster::{Pod, below, mix, workload};

/// The ways in which a set of labels is written.
const STYLES: u64 = 4;

/// Labels that a parser has to be right for: quotes, a backslash, other scripts, beyond 16 bits, no value, a brace, a letter that has
/// two forms.
const ODD: [(&str, &str); 8] = [
    ("team \"blue\"", "say \"hi\""),
    ("größe", "übergroß"),
    ("部署", "東京"),
    ("emoji-🚀", "to the 🌕"),
    ("path\\to", "C:\\pods"),
    ("sidecar.istio.io/inject", ""),
    ("note", "{not: json}, [1]"),
    ("café", "cafe\u{301}"),
];

type Labels = Vec<(String, String)>;

/// A pod's. None: the cluster reported none.
pub(super) fn of_pod(pod: &Pod) -> Option<String> {
    if pod.is_one_in(97) {
        return None;
    }
    if pod.is_one_in(89) {
        return Some("{}".to_owned());
    }
    let name = workload(pod.workload);
    let kind = name.split('-').next().unwrap_or_default().to_owned();
    let chosen = mix(20, pod.workload);
    let mut labels = Labels::new();
    let mut put = |key: &str, value: String| labels.push((key.to_owned(), value));
    put("app", name.clone());
    put("app.kubernetes.io/name", kind.clone());
    put("app.kubernetes.io/instance", format!("{name}-{}", ["prod", "stage"][below(chosen, 2)]));
    if chosen >> 1 & 1 == 0 {
        put("app.kubernetes.io/managed-by", ["Helm", "argocd", "olm"][below(chosen >> 2, 3)].to_owned());
        put("app.kubernetes.io/version", format!("1.{}.{}", chosen >> 4 & 15, pod.rollout));
    }
    if (chosen >> 8).is_multiple_of(4) {
        // Over that of the namespace.
        put("team", ["red", "green", "blue"][below(chosen >> 10, 3)].to_owned());
    }
    if chosen >> 12 & 1 == 0 {
        put("environment", ["production", "staging"][below(chosen >> 13, 2)].to_owned());
    }
    if pod.workload % 5 == 4 {
        let (key, value) = ODD[below(pod.workload / 5, ODD.len())];
        put(key, value.to_owned());
    }
    match pod.job {
        Some(run) => {
            put("batch.kubernetes.io/job-name", format!("{name}-{run}"));
            // Over that of the node.
            put("kubernetes.io/os", "linux-rt".to_owned());
        }
        None => put("pod-template-hash", pod.template_hash()),
    }
    Some(written(&labels, pod.style(STYLES)))
}

/// A node's on a day.
pub(super) fn of_node(day: u64, node: u64) -> Option<String> {
    let chosen = mix(21, node);
    if node % 41 == 40 {
        return None;
    }
    let mut labels: Labels = [
        ("kubernetes.io/os", "linux".to_owned()),
        ("kubernetes.io/arch", ["amd64", "arm64"][usize::from(chosen.is_multiple_of(4))].to_owned()),
        ("topology.kubernetes.io/zone", format!("eu-central-1{}", ["a", "b", "c"][below(chosen >> 2, 3)])),
        (
            "node.kubernetes.io/instance-type",
            ["m6i.xlarge", "m6i.4xlarge", "r6g.2xlarge"][below(chosen >> 4, 3)].to_owned(),
        ),
        ("team", "platform".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    // Upgraded on a day of its own.
    labels.push(("node.openshift.io/os-version".to_owned(), format!("4.{}", 16 + u64::from(day > (chosen >> 8) % 6))));
    if node % 7 == 2 {
        labels.push(("standort".to_owned(), "Köln \"Süd\"".to_owned()));
    }
    Some(written(&labels, chosen >> 16 & 3))
}

/// A namespace's on a day.
pub(super) fn of_namespace(day: u64, namespace: u64) -> Option<String> {
    let chosen = mix(22, namespace);
    if namespace % 13 == 12 {
        return None;
    }
    if namespace % 11 == 10 {
        return Some("{}".to_owned());
    }
    let name = super::cluster::namespace(namespace);
    let mut labels: Labels = [
        ("kubernetes.io/metadata.name", name.clone()),
        ("team", ["red", "green", "blue", "yellow"][below(chosen, 4)].to_owned()),
        ("cost-center", format!("{}", 4_000 + chosen % 40)),
        ("environment", ["production", "development"][below(chosen >> 8, 2)].to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    if namespace % 5 == 1 {
        // Another budget in the second half of the week.
        labels.push(("budget".to_owned(), format!("{}", if day < 4 { 100 } else { 250 })));
    }
    if namespace.is_multiple_of(6) {
        let (key, value) = ODD[below(namespace / 6 + 1, ODD.len())];
        labels.push((key.to_owned(), value.to_owned()));
    }
    Some(written(&labels, chosen >> 16 & 3))
}

/// The labels as an object of JSON, in one of the [`STYLES`].
fn written(labels: &[(String, String)], style: u64) -> String {
    let mut order: Vec<&(String, String)> = labels.iter().collect();
    if style == 2 {
        order.reverse();
    }
    // As Python's `json.dumps` writes it: with blanks, and in ASCII.
    let (colon, comma, ascii) = if style == 1 { (": ", ", ", true) } else { (":", ",", false) };
    let mut text = "{".to_owned();
    for (place, (key, value)) in order.into_iter().enumerate() {
        if place > 0 {
            text += comma;
        }
        quote(key, ascii, &mut text);
        text += colon;
        quote(value, ascii, &mut text);
    }
    text + "}"
}

fn quote(text: &str, ascii: bool, into: &mut String) {
    into.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => into.extend(['\\', letter]),
            letter if ascii && !letter.is_ascii() => {
                let mut units = [0; 2];
                letter.encode_utf16(&mut units).iter().for_each(|unit| into.push_str(&format!("\\u{unit:04x}")));
            }
            letter => into.push(letter),
        }
    }
    into.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_of_a_set_is_the_same_object() {
        let labels: Labels = ODD.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let read = |style| serde_json::from_str::<serde_json::Value>(&written(&labels, style)).unwrap();
        for style in 1..STYLES {
            assert_eq!(read(style), read(0));
        }
        assert!(written(&labels, 1).is_ascii());
        assert_eq!(read(1).as_object().unwrap().len(), ODD.len());
    }
}
