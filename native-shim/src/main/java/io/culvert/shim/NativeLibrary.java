package io.culvert.shim;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import jnr.ffi.LibraryLoader;
import jnr.ffi.LibraryOption;

/**
 * The C part of the shim: unpacked from the jar, checked, and bound once per process.
 *
 * <p>The system property {@code culvert.native.dir} names the directory to unpack to, instead of one of our own under
 * {@code java.io.tmpdir}; it must not be mounted {@code noexec}. Errors: {@link UnsatisfiedLinkError} that names the directory and
 * the reason.
 */
public final class NativeLibrary {
    /** CULVERT_ABI of the headers that {@link NativeCalls} and {@link Scratch} were written against. */
    private static final int ABI = 2;

    static final NativeCalls CALLS = unpackAndLoad();

    private NativeLibrary() {}

    /** The version of the calling convention, asked from C each time: the measure of what one call costs. */
    public static int abi() {
        return CALLS.culvert_errno_abi();
    }

    private static NativeCalls unpackAndLoad() {
        String resource = resource(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
        try (InputStream in = NativeLibrary.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new UnsatisfiedLinkError("this build of Culvert has no native library for this platform ("
                        + resource + "): build it on such a machine");
            }
            NativeStore store = NativeStore.fromProperties();
            Path file = store.place(in.readAllBytes());
            NativeCalls calls = load(file);
            store.loaded(file);
            return calls;
        } catch (IOException e) {
            throw failure("cannot unpack the native library: " + e.getMessage(), e);
        }
    }

    static String resource(String os, String arch) {
        String name = switch (arch) {
            case "amd64" -> "x86_64";
            case "arm64" -> "aarch64";
            default -> arch;
        };
        return "native/" + os.toLowerCase(Locale.ROOT) + "-" + name + "/libculvert_shim.so";
    }

    private static NativeCalls load(Path file) {
        try {
            // Results carry -errno, so jnr-ffi need not save errno after each call.
            Map<LibraryOption, Object> options = Map.of(LibraryOption.IgnoreError, true, LibraryOption.LoadNow, true);
            NativeCalls calls = LibraryLoader.loadLibrary(NativeCalls.class, options, file.toString());
            if (calls.culvert_errno_abi() != ABI) {
                throw new UnsatisfiedLinkError(file + " speaks version " + calls.culvert_errno_abi()
                        + " of the calling convention, not " + ABI);
            }
            return calls;
        } catch (LinkageError e) {
            throw failure(
                    "cannot load " + file + " (is it on a file system mounted noexec? -Dculvert.native.dir=DIR names"
                            + " another directory): " + e.getMessage(),
                    e);
        }
    }

    private static UnsatisfiedLinkError failure(String message, Throwable cause) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError(message);
        error.initCause(cause);
        return error;
    }
}
