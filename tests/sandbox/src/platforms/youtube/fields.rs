//! Partial responses: `fields=items(id,statistics/subscriberCount),etag`.

use serde_json::Value;

/// What to keep of an object: names, each with what to keep below it.
#[derive(Debug, PartialEq)]
pub struct Fields(Vec<(String, Option<Fields>)>);

/// `None` when the selection cannot be read.
pub fn read(text: &str) -> Option<Fields> {
    let (fields, rest) = read_list(text)?;
    rest.is_empty().then_some(fields)
}

/// Removes what was not requested, in lists from each of their items.
pub fn keep(value: &mut Value, fields: &Fields) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| keep(item, fields)),
        Value::Object(object) => object.retain(|name, inner| {
            let wanted = fields.0.iter().find(|(field, _)| field == name || field == "*");
            if let Some((_, Some(below))) = wanted {
                keep(inner, below);
            }
            wanted.is_some()
        }),
        _ => {}
    }
}

fn read_list(text: &str) -> Option<(Fields, &str)> {
    let (first, mut rest) = read_path(text)?;
    let mut fields = vec![first];
    while let Some(after) = rest.strip_prefix(',') {
        let (next, left) = read_path(after)?;
        fields.push(next);
        rest = left;
    }
    Some((Fields(fields), rest))
}

fn read_path(text: &str) -> Option<((String, Option<Fields>), &str)> {
    let end = text.find(['/', '(', ')', ',']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    if let Some(below) = rest.strip_prefix('/') {
        let (inner, left) = read_path(below)?;
        return Some(((name.into(), Some(Fields(vec![inner]))), left));
    }
    if let Some(below) = rest.strip_prefix('(') {
        let (inner, left) = read_list(below)?;
        return Some(((name.into(), Some(inner)), left.strip_prefix(')')?));
    }
    Some(((name.into(), None), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_asked_for_is_kept() {
        let check = |text: &str, expected: Value| {
            let mut value = json!({"etag": "e", "items": [{"id": 1, "statistics": {"a": 2, "b": 3}}, {"id": 4}]});
            keep(&mut value, &read(text).unwrap());
            assert_eq!(value, expected, "{text}");
        };
        check("etag", json!({"etag": "e"}));
        check("items/id", json!({"items": [{"id": 1}, {"id": 4}]}));
        check(
            "items(id,statistics/a),etag",
            json!({"etag": "e", "items": [{"id": 1, "statistics": {"a": 2}}, {"id": 4}]}),
        );
        check("items/*/b", json!({"items": [{"id": 1, "statistics": {"b": 3}}, {"id": 4}]}));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "a(b", "a)", "a,,b", "/a"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
