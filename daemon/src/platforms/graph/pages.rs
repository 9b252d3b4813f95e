//! The Pages a person has a role on, with their own tokens and the Instagram accounts linked to them.

use roster_protocol::text::{NAME_CHARACTERS, clean};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ask::{Graph, List};
use crate::oauth::read::token;
use crate::platforms::PlatformError;
use crate::platforms::reading::{count, item, plain_id};
use crate::secret::Secret;

/// What lists the Pages.
pub(in crate::platforms) const SHOW_PAGES: &str = "pages_show_list";
/// What opens the Instagram accounts linked to them.
pub(in crate::platforms) const LINKED: &str = "instagram_basic";

/// Pages by the hundred: an agency's person may have a role on many.
const MOST_LISTS: usize = 20;

/// A Page, as its list reports it.
pub(in crate::platforms) struct Page {
    pub(in crate::platforms) id: String,
    pub(in crate::platforms) profile: Profile,
    /// Its own token; `None` for a role that opens nothing.
    pub(in crate::platforms) token: Option<Secret>,
    /// The Instagram account linked to it, with its id.
    pub(in crate::platforms) instagram: Option<(String, Profile)>,
}

/// What is shown of a Page or an account. Nothing is clean yet.
#[derive(Debug, Default, Deserialize)]
pub(in crate::platforms) struct Profile {
    pub(in crate::platforms) name: Option<String>,
    pub(in crate::platforms) username: Option<String>,
    #[serde(default, deserialize_with = "count")]
    pub(in crate::platforms) followers_count: Option<u64>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    access_token: Option<Secret>,
    instagram_business_account: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Page {
    /// Whether it is this Page, or the Instagram account linked to it.
    fn is(&self, id: &str) -> bool {
        self.id == id || self.instagram.as_ref().is_some_and(|(linked, _)| linked == id)
    }
}

/// A person, within the app.
pub(in crate::platforms) struct Person {
    pub(in crate::platforms) id: String,
    /// Clean.
    pub(in crate::platforms) name: String,
}

impl Graph<'_> {
    /// Whose token it is.
    pub(in crate::platforms) async fn person(&self) -> Result<Person, PlatformError> {
        #[derive(Deserialize)]
        struct Me {
            id: String,
            name: Option<String>,
        }

        let me: Me = self.request(self.get("/{version}/me").query(&[("fields", "id,name")]), SHOW_PAGES).await?;
        let id = plain_id(&me.id).ok_or_else(|| unreadable(self.of.name, "me.id is no id"))?;
        let name = me.name.map(|name| clean(&name, NAME_CHARACTERS)).filter(|name| !name.is_empty());
        Ok(Person { name: name.unwrap_or_else(|| id.to_owned()), id: id.to_owned() })
    }

    /// All Pages of the person whose token it is, with the accounts linked to them where `linked` is set. One that
    /// cannot be read is left out.
    pub(in crate::platforms) async fn pages(&self, linked: bool) -> Result<Vec<Page>, PlatformError> {
        let fields = match linked {
            true => {
                "id,name,username,access_token,followers_count,\
                     instagram_business_account{id,username,name,followers_count}"
            }
            false => "id,name,username,access_token,followers_count",
        };
        let (mut pages, mut after) = (Vec::new(), None::<String>);
        for _ in 0..MOST_LISTS {
            let request = self.get("/{version}/me/accounts").query(&[("fields", fields), ("limit", "100")]);
            let request = match &after {
                Some(cursor) => request.query(&[("after", cursor)]),
                None => request,
            };
            let list: List = self.request(request, SHOW_PAGES).await?;
            pages.extend(list.data.iter().filter_map(|text| page(self.of.name, text).ok()));
            let next = list.next();
            if next.is_none() || next == after {
                break;
            }
            after = next;
        }
        Ok(pages)
    }

    /// The token of a Page, or of the Page an Instagram account is linked to; `None` where the person has no role on
    /// it any more.
    pub(in crate::platforms) async fn page_token(
        &self,
        id: &str,
        linked: bool,
    ) -> Result<Option<Secret>, PlatformError> {
        let pages = self.pages(linked).await?;
        Ok(pages.into_iter().find(|page| page.is(id)).and_then(|page| page.token))
    }
}

fn page(name: &str, text: &RawValue) -> Result<Page, PlatformError> {
    let listed: Listed = item(name, text)?;
    let id = plain_id(&listed.id).ok_or_else(|| unreadable(name, "id is no id"))?.to_owned();
    let instagram = listed.instagram_business_account.and_then(|text| {
        let linked: Id = item(name, &text).ok()?;
        Some((plain_id(&linked.id)?.to_owned(), item(name, &text).unwrap_or_default()))
    });
    let profile = item(name, text).unwrap_or_default();
    Ok(Page { id, profile, token: listed.access_token.and_then(token), instagram })
}

fn unreadable(name: &str, what: &str) -> PlatformError {
    PlatformError::Unexpected { what: format!("{name}: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_own_id_and_by_the_linked_account() {
        let list: List = serde_json::from_str(include_str!("fixtures/accounts.json")).expect("a list");
        let pages: Vec<Page> = list.data.iter().filter_map(|text| page("Facebook", text).ok()).collect();
        assert_eq!(pages.len(), 3, "the broken one is left out");
        assert_eq!(pages[0].token.as_ref().map(Secret::expose), Some("example-page-token-1"));
        assert!(
            pages[0].is("102030405060701") && pages[0].is("17841400000000001") && !pages[0].is("17841400000000002")
        );
        let (_, linked) = pages[0].instagram.as_ref().expect("an account");
        assert_eq!((linked.username.as_deref(), linked.followers_count), (Some("Mara.Makes"), Some(12_345)));
        assert!(pages[1].instagram.is_none());
        // Numbers that cannot be read do not hide the Page.
        assert_eq!((pages[2].profile.followers_count, pages[2].token.is_none()), (None, true));
        assert_eq!(list.next().as_deref(), Some("QVFIUexample"));
    }
}
