import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.commons.JSRInlinerAdapter;

/**
 * Makes other people's jars start quickly: {@code java -cp ASM... build/QuickJars.java JAR...}
 *
 * <p>Signatures go. Maven has checked what it fetched; nobody checks them later. But the JVM keeps every digest of a signed jar's
 * manifest on its heap (8 MB in all), computes one for each class it loads, and takes no class of such a jar into its ahead-of-time
 * cache.
 *
 * <p>Class files of Java 5 and before become such of Java 8, with the frames that their verification needs: the cache takes no
 * older ones either. Their code stays as it is. The manifest of a jar that was changed says so.
 */
final class QuickJars {
    private static final String CHANGED = "Culvert-Changed";

    private final URLClassLoader all;
    private boolean unsigned;
    private int renewed;

    private QuickJars(URLClassLoader all) {
        this.all = all;
    }

    public static void main(String[] jars) throws IOException {
        List<URL> urls = new ArrayList<>();
        for (String jar : jars) {
            urls.add(Path.of(jar).toUri().toURL());
        }
        try (URLClassLoader all = new URLClassLoader(urls.toArray(URL[]::new))) {
            for (String jar : jars) {
                new QuickJars(all).change(Path.of(jar));
            }
        }
    }

    private void change(Path jar) throws IOException {
        try (JarFile in = new JarFile(jar.toFile(), false)) {
            List<JarEntry> entries = Collections.list(in.entries());
            List<byte[]> contents = new ArrayList<>();
            for (JarEntry entry : entries) {
                contents.add(content(in, entry));
            }
            if (unsigned || renewed > 0) {
                Path changed = Path.of(jar + ".new");
                write(manifest(in), entries, contents, changed);
                Files.setLastModifiedTime(changed, Files.getLastModifiedTime(jar));
                Files.move(changed, jar, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    private byte[] content(JarFile in, JarEntry entry) throws IOException {
        try (InputStream stream = in.getInputStream(entry)) {
            byte[] content = stream.readAllBytes();
            unsigned |= isSignature(entry.getName());
            if (!entry.getName().endsWith(".class") || version(content) >= Opcodes.V1_6) {
                return content;
            }
            renewed++;
            return renew(content);
        }
    }

    private static int version(byte[] classFile) {
        return (classFile[6] & 0xFF) << 8 | classFile[7] & 0xFF;
    }

    private byte[] renew(byte[] old) {
        ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_FRAMES) {
            @Override
            protected ClassLoader getClassLoader() {
                return all;
            }

            @Override
            protected String getCommonSuperClass(String one, String other) {
                try {
                    return super.getCommonSuperClass(one, other);
                } catch (TypeNotPresentException | LinkageError e) {
                    // Of a library that may be there, and is not here.
                    return "java/lang/Object";
                }
            }
        };
        new ClassReader(old).accept(new Renewing(writer), ClassReader.SKIP_FRAMES);
        return writer.toByteArray();
    }

    /** Subroutines, which later class files may not have, become plain code. */
    private static final class Renewing extends ClassVisitor {
        Renewing(ClassWriter writer) {
            super(Opcodes.ASM9, writer);
        }

        @Override
        public void visit(int version, int access, String name, String signature, String parent, String[] interfaces) {
            super.visit(Opcodes.V1_8, access, name, signature, parent, interfaces);
        }

        @Override
        public MethodVisitor visitMethod(int access, String name, String type, String signature, String[] thrown) {
            MethodVisitor method = super.visitMethod(access, name, type, signature, thrown);
            return new JSRInlinerAdapter(method, access, name, type, signature, thrown);
        }
    }

    private Manifest manifest(JarFile in) throws IOException {
        Manifest manifest = in.getManifest() == null ? new Manifest() : in.getManifest();
        Attributes main = manifest.getMainAttributes();
        main.putIfAbsent(Attributes.Name.MANIFEST_VERSION, "1.0");
        main.putValue(CHANGED, "no signatures; class files of Java 8 instead of older ones: " + renewed);
        if (unsigned) {
            manifest.getEntries().clear();
        }
        return manifest;
    }

    private static void write(Manifest manifest, List<JarEntry> entries, List<byte[]> contents, Path to)
            throws IOException {
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(to), manifest)) {
            for (int i = 0; i < entries.size(); i++) {
                JarEntry entry = entries.get(i);
                if (!entry.getName().equals(JarFile.MANIFEST_NAME) && !isSignature(entry.getName())) {
                    JarEntry copied = new JarEntry(entry.getName());
                    copied.setTime(entry.getTime());
                    out.putNextEntry(copied);
                    out.write(contents.get(i));
                    out.closeEntry();
                }
            }
        }
    }

    private static boolean isSignature(String name) {
        return name.matches("META-INF/[^/]+\\.(SF|RSA|DSA|EC)");
    }
}
