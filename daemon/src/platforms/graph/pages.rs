//! The Pages a person has a role on, with their own tokens and the Instagram accounts linked to them.
//!
//! The person's own list is no proof of what there is: it leaves out Pages of a business portfolio where
//! `business_management` was not allowed, and sometimes Pages that were. These are found in the portfolios, and by the
//! ids that the consent names.

use roster_protocol::text::{NAME_CHARACTERS, clean};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ask::{Graph, List, Refused};
use super::token_info::Granted;
use crate::http_client::Request;
use crate::oauth::read::token;
use crate::oauth::{OAuthApp, Purpose, Scope};
use crate::platforms::PlatformError;
use crate::platforms::reading::{Items, count, item, plain_id};
use crate::secret::Secret;

/// What lists the Pages.
pub(in crate::platforms) const SHOW_PAGES: &str = "pages_show_list";
/// What opens the Instagram accounts linked to them.
pub(in crate::platforms) const LINKED: &str = "instagram_basic";
/// What lists the Pages that a business portfolio holds.
pub(in crate::platforms) const PORTFOLIO: Scope = Scope {
    name: "business_management",
    purpose: Purpose::Measuring,
    reads: "Pages of a business portfolio",
    needed: false,
};

/// Pages by the hundred: an agency's person may have a role on many.
const MOST_LISTS: usize = 20;
/// The most portfolios that are looked into.
const MOST_PORTFOLIOS: usize = 20;
/// The most Pages that are requested by their ids, one by one: an app has 200 requests a user and hour.
const MOST_NAMED: usize = 50;

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
    pub(super) fn is(&self, id: &str) -> bool {
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

    /// All Pages that a person opened, with the accounts linked to them where these are open, too. One that cannot be
    /// read is left out.
    pub(super) async fn pages(&self, granted: &Granted) -> Result<Vec<Page>, PlatformError> {
        let fields = match granted.has(LINKED) {
            true => {
                "id,name,username,access_token,followers_count,\
                     instagram_business_account{id,username,name,followers_count}"
            }
            false => "id,name,username,access_token,followers_count",
        };
        let mut pages = Vec::new();
        let own = self.listed(|| self.get("/{version}/me/accounts").query(&[("fields", fields)]), SHOW_PAGES).await?;
        self.merge(&mut pages, &own, |_| true);
        // Elsewhere are also Pages that the person did not open: they have no token.
        let is_open = |page: &Page| page.token.is_some();
        if granted.has(PORTFOLIO.name) {
            for portfolio in self.portfolios().await? {
                for path in ["/{version}/{business}/owned_pages", "/{version}/{business}/client_pages"] {
                    let request = || self.get(path).part("business", &portfolio).query(&[("fields", fields)]);
                    let held = unless_refused(self.listed(request, PORTFOLIO.name).await)?;
                    self.merge(&mut pages, &held, is_open);
                }
            }
        }
        let unlisted = granted.pages.iter().filter(|id| !pages.iter().any(|page: &Page| page.id == **id));
        for id in unlisted.take(MOST_NAMED).cloned().collect::<Vec<_>>() {
            let request = self.get("/{version}/{page}").part("page", &id).query(&[("fields", fields)]);
            let named = self.request::<Box<RawValue>>(request, SHOW_PAGES).await.map(|page| vec![page]);
            self.merge(&mut pages, &unless_refused(named)?, is_open);
        }
        Ok(pages)
    }

    /// The ids of the business portfolios that the person belongs to.
    async fn portfolios(&self) -> Result<Vec<String>, PlatformError> {
        let request = || self.get("/{version}/me/businesses").query(&[("fields", "id")]);
        let listed = unless_refused(self.listed(request, PORTFOLIO.name).await)?;
        let ids = listed.iter().filter_map(|text| item::<Id>(self.of.name, text).ok());
        Ok(ids.map(|Id { id }| id).filter(|id| plain_id(id).is_some()).take(MOST_PORTFOLIOS).collect())
    }

    /// A whole list.
    async fn listed<'r>(&self, request: impl Fn() -> Request<'r>, scope: &str) -> Result<Items, Refused> {
        let (mut items, mut after) = (Items::new(), None::<String>);
        for _ in 0..MOST_LISTS {
            let request = request().query(&[("limit", "100")]);
            let request = match &after {
                Some(cursor) => request.query(&[("after", cursor)]),
                None => request,
            };
            let mut list: List = self.request(request, scope).await?;
            items.append(&mut list.data);
            let next = list.next();
            if next.is_none() || next == after {
                break;
            }
            after = next;
        }
        Ok(items)
    }

    /// Adds the Pages that can be read and are `wanted`, each once, and with its token where one list has it.
    fn merge(&self, pages: &mut Vec<Page>, found: &Items, wanted: impl Fn(&Page) -> bool) {
        for found in found.iter().filter_map(|text| page(self.of.name, text).ok()).filter(wanted) {
            match pages.iter_mut().find(|known| known.id == found.id) {
                Some(known) if known.token.is_none() => *known = found,
                Some(_) => {}
                None => pages.push(found),
            }
        }
    }
}

/// What was found; nothing where the request was refused, which costs only this way to the Pages.
fn unless_refused(found: Result<Items, Refused>) -> Result<Items, PlatformError> {
    match found {
        Err(refused) if refused.problem.is_some() => Ok(Items::new()),
        found => Ok(found?),
    }
}

/// Why a consent opened no Page, and what to do: `section` is the app's in the config.
pub(in crate::platforms) fn no_page(granted: &Granted, app: &OAuthApp, section: &str) -> PlatformError {
    let of_portfolios = match (granted.has(PORTFOLIO.name), &app.scopes, &app.config_id) {
        (true, _, _) => String::new(),
        (false, Some(_), _) if !app.requests(&PORTFOLIO) => {
            format!("; where a business portfolio holds it, add {} to scopes in [{section}] first", PORTFOLIO.name)
        }
        (false, _, Some(_)) => format!(
            "; where a business portfolio holds it, add {} to the configuration at Meta that config_id in [{section}] names first",
            PORTFOLIO.name
        ),
        (false, ..) => format!("; where a business portfolio holds it, allow {} as well", PORTFOLIO.name),
    };
    let what = format!(
        "no Page was opened: at consent tick the Page, and the business portfolio that holds it if there is \
         one{of_portfolios}"
    );
    PlatformError::AccountGone { what }
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
