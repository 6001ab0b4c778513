package io.culvert.agent.ca;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.culvert.agent.base.Pem;
import io.culvert.agent.certs.CaClient;
import io.culvert.agent.grpc.OpenChannel;
import io.culvert.agent.grpc.ServerLink;
import io.culvert.agent.grpc.UnaryCall;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.wire.auth.IstioCertificateRequest;
import io.culvert.protocol.wire.auth.IstioCertificateResponse;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.protobuf.lite.ProtoLiteUtils;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.jspecify.annotations.Nullable;

/**
 * Has certificate requests signed by the mesh's authority, on behalf of the workload that each is for or for its own.
 *
 * <p>Runs on: control threads, several at once. Owns: a channel, made anew when its roots changed or it failed; roots that cannot
 * be read leave the one before in use.
 *
 * <p>Bounds: 10 s for an answer of at most 1 MiB.
 */
public final class IstioCaClient implements CaClient, AutoCloseable {
    /** How large an answer may be; for the link. */
    public static final int MESSAGE_BYTES_MAX = 1 << 20;

    private static final System.Logger LOG = System.getLogger(IstioCaClient.class.getName());
    private static final Duration ANSWER_WITHIN = Duration.ofSeconds(10);
    private static final MethodDescriptor<IstioCertificateRequest, IstioCertificateResponse> CREATE =
            MethodDescriptor.newBuilder(
                            ProtoLiteUtils.marshaller(IstioCertificateRequest.getDefaultInstance()),
                            ProtoLiteUtils.marshaller(IstioCertificateResponse.getDefaultInstance()))
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName("istio.v1.auth.IstioCertificateService/CreateCertificate")
                    .build();

    private final ServerLink link;
    private final boolean impersonates;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable OpenChannel channel;
    private boolean closed;

    /**
     * A client that asks nothing yet.
     *
     * @param impersonates whether it asks for others; otherwise for whoever the link's token is of, and for nobody else
     */
    public IstioCaClient(ServerLink link, boolean impersonates) {
        this.link = link;
        this.impersonates = impersonates;
    }

    @Override
    public Issued issue(SpiffeId id, byte[] csr, Duration lifetime) throws IssueException {
        OpenChannel used = null;
        try {
            PublicKey key = new JcaPKCS10CertificationRequest(csr).getPublicKey();
            used = channel();
            IstioCertificateResponse answer =
                    UnaryCall.ask(used.channel(), CREATE, link.headers(), request(id, csr, lifetime), ANSWER_WITHIN);
            return IssuedChain.read(answer.getCertChainList(), key);
        } catch (StatusException e) {
            throw failed(used, e);
        } catch (IOException e) {
            throw new IssueException(
                    IssueException.Kind.UNREACHABLE, "the authority cannot be asked: " + e.getMessage(), e);
        } catch (GeneralSecurityException e) {
            throw new IssueException(IssueException.Kind.REFUSED, "the request cannot be read: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IssueException(IssueException.Kind.UNREACHABLE, "the agent stops", e);
        }
    }

    private IstioCertificateRequest request(SpiffeId id, byte[] csr, Duration lifetime) {
        IstioCertificateRequest.Builder request = IstioCertificateRequest.newBuilder()
                .setCsr(Pem.write("CERTIFICATE REQUEST", csr))
                .setValidityDuration(lifetime.toSeconds());
        if (impersonates) {
            request.setMetadata(Struct.newBuilder()
                    .putFields(
                            "ImpersonatedIdentity",
                            Value.newBuilder().setStringValue(id.uri()).build()));
        }
        return request.build();
    }

    private IssueException failed(@Nullable OpenChannel used, StatusException e) {
        Status status = e.getStatus();
        IssueException.Kind kind = kindOf(status.getCode());
        if (used != null && status.getCode() == Status.Code.UNAVAILABLE) {
            drop(used);
        }
        Throwable cause = status.getCause();
        String detail = status.getDescription() == null ? "" : ": " + status.getDescription();
        String below = cause == null || cause.getMessage() == null ? "" : " (" + cause.getMessage() + ")";
        return new IssueException(
                kind,
                "the authority " + link.name()
                        + (kind == IssueException.Kind.REFUSED ? " refuses" : " does not answer") + ", "
                        + status.getCode() + detail + below,
                e);
    }

    /** What the authority said about the request stays true for the while; everything else may be over soon. */
    private static IssueException.Kind kindOf(Status.Code code) {
        return switch (code) {
            case OK,
                    CANCELLED,
                    UNKNOWN,
                    DEADLINE_EXCEEDED,
                    RESOURCE_EXHAUSTED,
                    ABORTED,
                    INTERNAL,
                    UNAVAILABLE,
                    DATA_LOSS -> IssueException.Kind.UNREACHABLE;
            case INVALID_ARGUMENT,
                    NOT_FOUND,
                    ALREADY_EXISTS,
                    PERMISSION_DENIED,
                    FAILED_PRECONDITION,
                    OUT_OF_RANGE,
                    UNIMPLEMENTED,
                    UNAUTHENTICATED -> IssueException.Kind.REFUSED;
        };
    }

    private OpenChannel channel() throws IOException {
        lock.lock();
        try {
            OpenChannel held = channel;
            if (closed) {
                throw new IOException("the agent stops");
            }
            if (held != null && !link.isOutdated(held)) {
                return held;
            }
            OpenChannel fresh = openOr(held);
            if (held != null && fresh != held) {
                held.retire();
            }
            channel = fresh;
            return fresh;
        } finally {
            lock.unlock();
        }
    }

    private OpenChannel openOr(@Nullable OpenChannel held) throws IOException {
        try {
            return link.open();
        } catch (IOException e) {
            if (held == null) {
                throw e;
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "the authority's new roots cannot be read, the ones before stay in use: " + e.getMessage());
            return held;
        }
    }

    private void drop(OpenChannel failed) {
        lock.lock();
        try {
            if (channel == failed) {
                channel = null;
                failed.retire();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (channel != null) {
                channel.close();
                channel = null;
            }
        } finally {
            lock.unlock();
        }
    }
}
