//! One mail, once, without the guarantee: a token that a stopped mail's sender finds in the bounce.
//!
//! A token is for one mail of one sender to one recipient, and is good for minutes. Whoever finds it can do nothing with
//! it: it is redeemed for the sender who is logged in. It is redeemed once; what was redeemed is remembered until it
//! would have ended anyway ([`Redeemed`]). Each try is an [audit event](crate::settings::AuditEvent).
//!
//! A mail that was granted it is sent with [`Message::one_time`](crate::Message::one_time): the user's guarantee does
//! not hold for it. The organisation's rules, REQUIRETLS and the recipient's own policies still do.
//!
//! How the token comes back is the server's choice: by a link to its web pages ([`Once::link`](crate::bounce::Once)), or
//! in the field [`FIELD`] of the mail that is sent again, which the server takes out.
//!
//! The other way to say "deliver even so" is RFC 8689's header: [`crate::header`].
//!
//! ```
//! use sealpost_mail::Address;
//! use sealpost_time::{Span, Time};
//! use sealpost_tls_policy::one_time::{MemoryRedeemed, Pair, Redemption, Refused, TokenKey};
//!
//! let (sender, recipient): (Address, Address) = ("u@sender.example".parse()?, "g@plain.example".parse()?);
//! let now = Time::from_unix(1_795_780_800);
//! // From the server's random generator, kept with its other keys.
//! let key = TokenKey::from_octets([7; 32]);
//! let pair = Pair { sender: &sender, recipient: &recipient };
//! let token = key.grant(pair, "9FD25686", now, Span::minutes(30))?;
//!
//! let mut redeemed = MemoryRedeemed::new(10_000);
//! let later = now + Span::minutes(5);
//! let first = key.redeem(token.reveal(), pair, later, &mut redeemed);
//! assert!(matches!(first, Redemption::Granted { .. }));
//! let second = key.redeem(token.reveal(), pair, later, &mut redeemed);
//! assert_eq!(second, Redemption::Refused(Refused::Used));
//! # Ok::<(), sealpost_tls_policy::Error>(())
//! ```

mod redeemed;

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sealpost_mail::{Address, Fields};
use sealpost_time::{Span, Time};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

pub use self::redeemed::{Marked, MemoryRedeemed, Redeemed, TokenId};
use crate::{Error, Result};

/// The field in which a mail that is sent again may bring its token. It is to be taken out before the mail is sent.
pub const FIELD: &str = "Sealpost-Send-Once";

/// For how long a token is good at most.
pub const LONGEST: Span = Span::minutes(60);

/// What stands in front of everything that is authenticated: no other use of the key gives the same.
const LABEL: &[u8] = b"sealpost one-time override";
/// The form of a token.
const VERSION: u8 = 1;
/// Octets of a token's authentication.
const TAG: usize = 16;
/// Octets of a mail's name.
const MAX_MAIL: usize = 64;
/// Characters of a token.
const MAX_TOKEN: usize = 128;

/// The key that a server's tokens are made with. Wiped when it is dropped, never shown.
pub struct TokenKey(Zeroizing<[u8; 32]>);

/// A token. Its text is shown by [`Self::reveal`] only.
pub struct Token {
    text: Zeroizing<String>,
    until: Time,
}

/// Whose mail to whom a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there are two sides")]
pub struct Pair<'a> {
    /// The sender, who is logged in.
    pub sender: &'a Address,
    /// The recipient.
    pub recipient: &'a Address,
}

/// What came of a try to redeem a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Redemption {
    /// The mail may be sent to the recipient once without the guarantee.
    Granted {
        /// The server's name for the mail that was stopped.
        mail: String,
    },
    /// It may not.
    Refused(Refused),
}

/// Why a token is not redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Refused {
    /// It is none.
    Malformed,
    /// It was not made by this key for this sender and this recipient.
    NotGenuine,
    /// Its time is over.
    Expired,
    /// It was redeemed before.
    Used,
    /// Whether it was redeemed before can't be found out or remembered now.
    Unavailable,
}

impl Redemption {
    /// Whether the mail may go: the value of [`Message::one_time`](crate::Message::one_time).
    #[must_use]
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted { .. })
    }
}

impl TokenKey {
    /// From 32 octets that nobody can guess.
    #[must_use]
    pub fn from_octets(octets: [u8; 32]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// A token for the mail that the server calls `mail`, good for `span` from now on.
    ///
    /// # Errors
    ///
    /// [`Error::Override`] if the span is not between a second and an hour, or if the mail's name is empty, longer
    /// than 64 octets or not of letters, digits, `-`, `_` and `.`.
    pub fn grant(&self, pair: Pair<'_>, mail: &str, now: Time, span: Span) -> Result<Token> {
        if span <= Span::ZERO || span > LONGEST {
            return Err(Error::Override("it is good for a second at least, and for an hour at most"));
        }
        if !is_name(mail.as_bytes()) {
            return Err(Error::Override("the mail's name has other characters than letters, digits, -, _ and ."));
        }
        let until = now + span;
        let mut octets = vec![VERSION];
        octets.extend(until.unix().to_be_bytes());
        octets.extend(mail.as_bytes());
        let tag = self.mac(&octets, pair)?.finalize().into_bytes();
        octets.extend(tag.iter().take(TAG));
        Ok(Token { text: Zeroizing::new(Base64UrlUnpadded::encode_string(&octets)), until })
    }

    /// Redeems a token for the sender who is logged in, and a recipient. The first time in its time it is granted.
    #[must_use]
    pub fn redeem(&self, token: &str, pair: Pair<'_>, now: Time, redeemed: &mut impl Redeemed) -> Redemption {
        match self.verify(token, pair, now) {
            Ok((mail, id, until)) => match redeemed.mark(id, until, now) {
                Marked::First => Redemption::Granted { mail },
                Marked::Again => Redemption::Refused(Refused::Used),
                Marked::Unavailable => Redemption::Refused(Refused::Unavailable),
            },
            Err(why) => Redemption::Refused(why),
        }
    }

    fn verify(&self, token: &str, pair: Pair<'_>, now: Time) -> Result<(String, TokenId, Time), Refused> {
        if token.len() > MAX_TOKEN {
            return Err(Refused::Malformed);
        }
        let octets = Base64UrlUnpadded::decode_vec(token).map_err(|_| Refused::Malformed)?;
        let (said, tag) = octets.split_last_chunk::<TAG>().ok_or(Refused::Malformed)?;
        let Some(([VERSION], rest)) = said.split_first_chunk() else { return Err(Refused::Malformed) };
        let (until, mail) = rest.split_first_chunk().ok_or(Refused::Malformed)?;
        if !is_name(mail) {
            return Err(Refused::Malformed);
        }
        // In constant time. Nothing of the token counts before.
        let mac = self.mac(said, pair).map_err(|_| Refused::NotGenuine)?;
        mac.verify_truncated_left(tag).map_err(|_| Refused::NotGenuine)?;
        let until = Time::from_unix(i64::from_be_bytes(*until));
        if now >= until {
            return Err(Refused::Expired);
        }
        Ok((String::from_utf8_lossy(mail).into_owned(), TokenId(*tag), until))
    }

    /// Over everything that a token is about, each with its length.
    fn mac(&self, said: &[u8], Pair { sender, recipient }: Pair<'_>) -> Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .map_err(|_| Error::Override("the key is not one of HMAC"))?;
        for part in [LABEL, said, sender.to_string().as_bytes(), recipient.to_string().as_bytes()] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        Ok(mac)
    }
}

impl Token {
    /// Its text: letters, digits, `-` and `_`.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The first time at which it is too late.
    #[must_use]
    pub const fn until(&self) -> Time {
        self.until
    }
}

/// The token in the header that `mail` begins with; `None` if there is none, or several.
#[must_use]
pub fn token_of(mail: &[u8]) -> Option<String> {
    let mut fields = Fields::of(mail).filter(|field| field.is_named(FIELD));
    let field = fields.next().filter(|_| fields.next().is_none())?;
    String::from_utf8(field.uncommented()).ok()
}

fn is_name(mail: &[u8]) -> bool {
    let good = |c: &u8| c.is_ascii_alphanumeric() || b"-_.".contains(c);
    !mail.is_empty() && mail.len() <= MAX_MAIL && mail.iter().all(good)
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").finish_non_exhaustive()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("until", &self.until).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
