/// Chance comes in from outside: salts and identities.
package protocol Entropy: AnyObject, Sendable {
    func next() -> UInt64
}
