npurt_test(npu_stream_test LINK npu_device)
npurt_test(npu_gemm_test LINK npu_device)
