package import MillraceIO

/// What makes a store's tokens its own: 16 bytes of chance, drawn once and kept with the catalogue.
///
/// Tokens that were given out stay good while it stays the same, over closing and opening. Whoever knows it can make
/// tokens, so it is in no message and no description.
package struct TokenSecret: Hashable, Sendable {
    package static let byteCount = 16

    /// The key of the MAC.
    let key: SipHash.Key

    /// A new one. The chance must not be guessable: the operating system's, outside of tests.
    package init(drawnFrom entropy: any Entropy) {
        key = SipHash.Key(low: entropy.next(), high: entropy.next())
    }

    /// One that was kept; nil unless there are 16 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        var reader = TokenReader(bytes.span)
        key = SipHash.Key(low: reader.take(), high: reader.take())
    }

    /// To be kept.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        TokenText.append(key.low, to: &bytes)
        TokenText.append(key.high, to: &bytes)
        return bytes
    }
}

extension TokenSecret: CustomStringConvertible, CustomReflectable {
    package var description: String { "TokenSecret" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
