//! The standard client: the consent page's URL, and requests to the token, revocation and device endpoints.

use super::pkce::challenge;
use super::{
    Device, DeviceCode, DeviceResponse, Endpoint, Held, OAuthApp, Provider, Purpose, Reply, TokenError, TokenRequest,
    Tokens, read,
};
use crate::http_client::Api;
use crate::secret::Secret;

/// The parts of the consent page's URL.
#[derive(Clone, Copy)]
pub struct Authorize<'a> {
    pub redirect_uri: &'a str,
    pub state: &'a Secret,
    /// The PKCE verifier, where the provider takes one.
    pub verifier: Option<&'a Secret>,
    /// The account that is meant, as a hint to the sign-in page.
    pub login_hint: Option<&'a str>,
    pub purpose: Purpose,
}

/// The parameters that a code is exchanged with.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    pub code: &'a Secret,
    pub redirect_uri: &'a str,
    pub verifier: Option<&'a Secret>,
}

/// RFC 6749 section 4.1.1.
pub(super) fn authorize_url<P>(provider: &P, api: &Api, request: Authorize<'_>) -> Result<String, TokenError>
where
    P: Provider + ?Sized,
{
    let (terms, app) = (provider.terms(), app(provider)?);
    let no_page = || TokenError::App { what: format!("the gateway does not lead to {}'s consent page", terms.grantor) };
    let mut url = provider.page(api).ok_or_else(no_page)?;
    let scopes: Vec<&str> = provider.scopes_for(request.purpose).iter().map(|scope| scope.name).collect();
    let scopes = scopes.join(terms.separator);
    let requested = app.config_id.as_deref().map_or(("scope", scopes.as_str()), |id| ("config_id", id));
    let mut query = url.query_pairs_mut();
    query
        .append_pair(terms.client_id, &app.id)
        .append_pair("redirect_uri", request.redirect_uri)
        .append_pair("response_type", "code")
        .append_pair(requested.0, requested.1)
        .append_pair("state", request.state.expose())
        .extend_pairs(terms.parameters);
    if let Some(challenge) = request.verifier.and_then(|verifier| challenge(terms.challenge, verifier)) {
        query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
    }
    // Anything but an e-mail address is no account that a sign-in page knows.
    if let Some(hint) = request.login_hint.filter(|hint| terms.login_hint && hint.find('@').is_some_and(|at| at > 0)) {
        query.append_pair("login_hint", hint);
    }
    drop(query);
    Ok(url.into())
}

/// RFC 6749 section 4.1.3.
pub async fn exchange<P>(provider: &P, api: &Api, with: Exchange<'_>) -> Result<Tokens, TokenError>
where
    P: Provider + ?Sized,
{
    let mut form =
        vec![("grant_type", "authorization_code"), ("code", with.code.expose()), ("redirect_uri", with.redirect_uri)];
    form.extend(with.verifier.map(|verifier| ("code_verifier", verifier.expose())));
    provider.read_tokens(&token_request(provider, api, &form).await?, TokenRequest::Code)
}

/// RFC 6749 section 6.
pub(super) async fn renew<P>(provider: &P, api: &Api, held: &Held) -> Result<Reply, TokenError>
where
    P: Provider + ?Sized,
{
    let what = || format!("{} gave no token to renew the consent with", provider.terms().grantor);
    let refresh = held.refresh.as_ref().ok_or_else(|| TokenError::Gone { what: what() })?;
    token_request(provider, api, &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await
}

/// RFC 7009 section 2.1. Either token ends the consent; the refresh token is the one that is certainly still valid.
pub(super) async fn revoke<P>(provider: &P, api: &Api, held: &Held) -> Result<(), TokenError>
where
    P: Provider + ?Sized,
{
    // Without such an endpoint the consent cannot be ended: the daemon forgets the tokens.
    let Some(endpoint) = provider.terms().revocation else { return Ok(()) };
    let token = held.refresh.as_ref().unwrap_or(&held.access);
    let reply = post(provider, api, endpoint, &[("token", token.expose())]).await?;
    read::revoked(provider, &reply)
}

/// RFC 8628 section 3.1.
pub async fn device_code<P>(provider: &P, api: &Api, device: Device) -> Result<DeviceCode, TokenError>
where
    P: Provider + ?Sized,
{
    let requested = provider.scopes_for(Purpose::Measuring);
    let scopes: Vec<&str> =
        device.scopes.iter().filter(|scope| requested.contains(scope)).map(|scope| scope.name).collect();
    let scopes = scopes.join(provider.terms().separator);
    let form = [(provider.terms().client_id, app(provider)?.id.as_str()), ("scope", &scopes)];
    let response = api.post(device.endpoint.host, device.endpoint.path).form(&form).send().await?;
    read::device_code(provider, &Reply::of(&response))
}

/// RFC 8628 section 3.4.
pub(super) async fn device_response<P>(provider: &P, api: &Api, code: &Secret) -> Result<DeviceResponse, TokenError>
where
    P: Provider + ?Sized,
{
    let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
    let form = [("grant_type", grant_type), ("device_code", code.expose())];
    read::device_response(provider, &token_request(provider, api, &form).await?)
}

/// A request to the token endpoint as the app.
///
/// # Errors
/// `App` without an app; none of a response's own.
pub async fn token_request<P>(provider: &P, api: &Api, form: &[(&str, &str)]) -> Result<Reply, TokenError>
where
    P: Provider + ?Sized,
{
    post(provider, api, provider.terms().token, form).await
}

/// A form to any endpoint as the app.
///
/// # Errors
/// As [`token_request`].
pub async fn post<P>(provider: &P, api: &Api, to: Endpoint, form: &[(&str, &str)]) -> Result<Reply, TokenError>
where
    P: Provider + ?Sized,
{
    let OAuthApp { id, secret, .. } = app(provider)?;
    let mut pairs = vec![(provider.terms().client_id, id.as_str()), ("client_secret", secret.expose())];
    pairs.extend(form);
    Ok(Reply::of(&api.post(to.host, to.path).form(&pairs).send().await?))
}

fn app<P: Provider + ?Sized>(provider: &P) -> Result<&OAuthApp, TokenError> {
    provider.app().ok_or_else(|| TokenError::App { what: provider.terms().no_app.to_owned() })
}
