//! The language of `fields`: `id,media.limit(5){id,like_count},reactions.limit(0).summary(total_count).as(all)`.

/// One field with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// As `limit` and `5`, in the order written.
    pub arguments: Vec<(String, String)>,
    /// What to read of the objects below; empty = their default fields.
    pub below: Vec<Field>,
}

impl Field {
    pub fn plain(name: &str) -> Field {
        Field { name: name.to_owned(), arguments: Vec::new(), below: Vec::new() }
    }

    pub fn argument(&self, name: &str) -> Option<&str> {
        self.arguments.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Its name in the response.
    pub fn shown(&self) -> &str {
        self.argument("as").unwrap_or(&self.name)
    }
}

/// `None` when it cannot be read.
pub fn read(text: &str) -> Option<Vec<Field>> {
    let (fields, rest) = list(text.trim())?;
    rest.is_empty().then_some(fields)
}

fn list(text: &str) -> Option<(Vec<Field>, &str)> {
    let (first, mut rest) = field(text)?;
    let mut fields = vec![first];
    while let Some(after) = rest.strip_prefix(',') {
        let (next, left) = field(after.trim_start())?;
        fields.push(next);
        rest = left;
    }
    Some((fields, rest))
}

fn field(text: &str) -> Option<(Field, &str)> {
    let (name, mut rest) = word(text)?;
    let mut field = Field::plain(name);
    while let Some(after) = rest.strip_prefix('.') {
        let (argument, left) = word(after)?;
        let left = left.strip_prefix('(')?;
        let (value, left) = left.split_once(')')?;
        field.arguments.push((argument.to_owned(), value.to_owned()));
        rest = left;
    }
    if let Some(after) = rest.strip_prefix('{') {
        let (below, left) = list(after)?;
        field.below = below;
        rest = left.strip_prefix('}')?;
    }
    Some((field, rest))
}

fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_nest_and_take_arguments() {
        let fields =
            read("id,media.limit(5).after(QVFI){id,like_count},reactions.limit(0).summary(total_count).as(all)");
        let fields = fields.unwrap();
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["id", "media", "reactions"]);
        assert_eq!((fields[1].argument("limit"), fields[1].argument("after")), (Some("5"), Some("QVFI")));
        assert_eq!(fields[1].below, [Field::plain("id"), Field::plain("like_count")]);
        assert_eq!((fields[2].shown(), fields[1].shown()), ("all", "media"));
        let nested = read("business_discovery.username(ada.l){followers_count,media{id}}").unwrap();
        assert_eq!(nested[0].argument("username"), Some("ada.l"));
        assert_eq!(nested[0].below[1].below, [Field::plain("id")]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "a{", "a}", "a,,b", "a.limit", "a.limit(3", "a b", "{id}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
