package io.culvert.agent.fakeplane;

import io.culvert.agent.base.Pem;
import io.culvert.agent.certs.CaClient;
import io.culvert.agent.certs.TestCa;
import io.culvert.protocol.wire.auth.IstioCertificateRequest;
import io.culvert.protocol.wire.auth.IstioCertificateResponse;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.lite.ProtoLiteUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The certificate half: signs for whom it is asked to, or else for whom the token names, through an intermediate.
 *
 * <p>Runs on: any.
 */
public final class FakeAuthority {
    private static final MethodDescriptor<IstioCertificateRequest, IstioCertificateResponse> CREATE =
            MethodDescriptor.newBuilder(
                            ProtoLiteUtils.marshaller(IstioCertificateRequest.getDefaultInstance()),
                            ProtoLiteUtils.marshaller(IstioCertificateResponse.getDefaultInstance()))
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName("istio.v1.auth.IstioCertificateService/CreateCertificate")
                    .build();

    /** What the caller of the moment authenticates with. */
    static final Context.Key<String> TOKEN = Context.keyWithDefault("token", "");

    private final TestCa root = TestCa.root("the mesh's root");
    private volatile TestCa intermediate = root.intermediate("the mesh's intermediate");
    private volatile List<TestCa> trusted = List.of(root);
    private final List<IstioCertificateRequest> requests = new CopyOnWriteArrayList<>();
    private volatile @Nullable Status refusal;
    private volatile boolean silent;
    private volatile @Nullable String otherIdentity;
    private volatile UnaryOperator<IstioCertificateResponse> falsify = answer -> answer;

    ServerServiceDefinition service() {
        return ServerServiceDefinition.builder("istio.v1.auth.IstioCertificateService")
                .addMethod(CREATE, ServerCalls.asyncUnaryCall(this::create))
                .build();
    }

    private void create(IstioCertificateRequest request, StreamObserver<IstioCertificateResponse> out) {
        requests.add(request);
        Status status = refusal;
        if (silent) {
            return;
        }
        if (status != null) {
            out.onError(status.asRuntimeException());
            return;
        }
        try {
            out.onNext(falsify.apply(answer(request)));
            out.onCompleted();
        } catch (IllegalArgumentException | CertificateEncodingException e) {
            out.onError(new StatusRuntimeException(Status.INVALID_ARGUMENT.withDescription(String.valueOf(e))));
        }
    }

    private IstioCertificateResponse answer(IstioCertificateRequest request) throws CertificateEncodingException {
        String other = otherIdentity;
        String identity = other != null
                ? other
                : request.hasMetadata()
                        ? request.getMetadata()
                                .getFieldsOrThrow("ImpersonatedIdentity")
                                .getStringValue()
                        : TOKEN.get().replaceFirst("Bearer ", "");
        Instant now = Instant.now();
        CaClient.Issued issued = intermediate.issue(
                Pem.parse(request.getCsr()).getFirst().der(),
                new TestCa.Leaf()
                        .uri(identity)
                        .valid(now.minusSeconds(60), now.plus(Duration.ofSeconds(request.getValidityDuration()))));
        IstioCertificateResponse.Builder answer = IstioCertificateResponse.newBuilder();
        for (X509Certificate each : issued.chain()) {
            answer.addCertChain(pem(each));
        }
        return answer.addCertChain(
                        trusted.stream().map(each -> pem(each.root())).collect(Collectors.joining()))
                .build();
    }

    /** A certificate as text. */
    public static String pem(X509Certificate certificate) {
        try {
            return Pem.write("CERTIFICATE", certificate.getEncoded());
        } catch (CertificateEncodingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Which roots its answers name from now on. */
    public void trust(TestCa... roots) {
        trusted = List.of(roots);
    }

    /** Below which root it signs from now on. */
    public void signBelow(TestCa other) {
        intermediate = other.intermediate("the mesh's next intermediate");
    }

    public TestCa root() {
        return root;
    }

    public List<IstioCertificateRequest> requests() {
        return List.copyOf(requests);
    }

    /** Refuses everything from now on; null: no more. */
    public void refuse(@Nullable Status status) {
        refusal = status;
    }

    /** Never answers. */
    public void fallSilent() {
        silent = true;
    }

    /** Signs for somebody else. */
    public void confuse(String identity) {
        otherIdentity = identity;
    }

    /** Changes its answers. */
    public void falsify(UnaryOperator<IstioCertificateResponse> change) {
        falsify = change;
    }
}
