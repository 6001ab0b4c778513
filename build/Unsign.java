import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/**
 * Takes the signatures out of jars: {@code java build/Unsign.java JAR...}
 *
 * <p>Maven has checked what it fetched; nobody checks these signatures later. But the JVM keeps every digest of a signed jar's
 * manifest on its heap (8 MB in all), computes one for each class it loads, and takes no class of such a jar into its
 * ahead-of-time cache.
 */
final class Unsign {
    public static void main(String[] jars) throws IOException {
        for (String name : jars) {
            Path jar = Path.of(name);
            Path unsigned = Path.of(name + ".new");
            copy(jar, unsigned);
            Files.setLastModifiedTime(unsigned, Files.getLastModifiedTime(jar));
            Files.move(unsigned, jar, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (JarFile in = new JarFile(from.toFile(), false)) {
            Manifest manifest = in.getManifest();
            manifest.getEntries().clear();
            try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(to), manifest)) {
                Enumeration<JarEntry> entries = in.entries();
                while (entries.hasMoreElements()) {
                    JarEntry entry = entries.nextElement();
                    if (!entry.getName().equals(JarFile.MANIFEST_NAME) && !isSignature(entry.getName())) {
                        copy(in, entry, out);
                    }
                }
            }
        }
    }

    private static void copy(JarFile in, JarEntry entry, JarOutputStream out) throws IOException {
        JarEntry copied = new JarEntry(entry.getName());
        copied.setTime(entry.getTime());
        out.putNextEntry(copied);
        in.getInputStream(entry).transferTo(out);
        out.closeEntry();
    }

    private static boolean isSignature(String name) {
        return name.matches("META-INF/[^/]+\\.(SF|RSA|DSA|EC)");
    }
}
