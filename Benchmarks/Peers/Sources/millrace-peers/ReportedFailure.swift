/// Does a call that leaves a message, which is to be freed, where its argument points when it fails.
func checked(
    _ call: String, _ free: (UnsafeMutableRawPointer?) -> Void,
    _ work: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Void
) throws {
    var message: UnsafeMutablePointer<CChar>?
    // Safe because the message outlives the call, and is a string where there is one.
    unsafe work(&message)
    guard let message = unsafe message else { return }
    defer { unsafe free(message) }
    throw BenchError("\(call): \(unsafe String(cString: message))")
}
