import CMillrace

/// Many references to one object, taken and given back at once, for what hands them out without touching the object.
package enum References {
    /// Adds so many references, each of which somebody takes over or gives back; one step whatever their number.
    ///
    /// - Parameter count: 1 or more. An object bears some 2^30.
    package static func retain(_ object: AnyObject, _ count: Int) {
        // Safe because the object lives through the call, and references are only added.
        unsafe millrace_retain(Unmanaged.passUnretained(object).toOpaque(), UInt32(count))
    }

    /// Gives back so many that the caller has.
    package static func release(_ object: AnyObject, _ count: Int) {
        // Safe because the argument is a reference more than those that go.
        unsafe millrace_release(Unmanaged.passUnretained(object).toOpaque(), UInt32(count))
    }
}
